"""Methods that break the contract in one way get a message about it; ours pass it in tests/run/test_contract.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.agents.learning import Learner
from darlr.agents.policy import Policy
from darlr.agents.static.policy import StaticLearner, StaticPolicy
from darlr.errors import InputError
from darlr.methods.method import Settings
from darlr.methods.parts import LearnerParts, PolicyParts
from darlr.methods.registry import METHODS
from darlr.methods.static import Static
from darlr.methods.ucb import UCB
from darlr.run.training import train
from darlr.testing import check_method
from darlr.testing.methods import BEST, SMALL
from darlr.testing.monitors import Silent
from darlr.world.window import Window

QUICK: Settings = {"training": {"epochs": 2, "steps_per_epoch": 100}}
"""Settings for static policies, which learn nothing but the world model."""


@dataclass(frozen=True, kw_only=True)
class Changed(Static):
    """UCB, whose policy or learner is changed."""

    change_policy: Callable[[Policy], Policy] = lambda policy: policy
    change_learner: Callable[[Learner], Learner] = lambda learner: learner

    def policy(self, parts: PolicyParts) -> Policy:
        return self.change_policy(super().policy(parts))

    def learner(self, parts: LearnerParts, policy: Policy) -> Learner:
        return self.change_learner(super().learner(parts, policy))


def changed(**changes: object) -> Changed:
    values = {**vars(UCB), "name": "other", **changes}
    return Changed(**values)


def test_one_that_is_not_registered_passes_and_is_not_left_in_the_registry() -> None:
    check_method(changed(), QUICK)
    assert "other" not in METHODS


def test_the_planted_world_is_what_the_checks_take_it_for(planted: Path, tmp_path: Path) -> None:
    values = {**SMALL, **QUICK, "method": "ucb"}
    opponents = train(values, planted, tmp_path, torch.device("cpu"), Silent()).summary["opponents"]
    assert opponents["truth_oracle"]["nx_0"]["r_tra"] == BEST
    assert opponents["uniform_random"]["nx_0"]["r_tra"] == pytest.approx(30, rel=0.1)


class Careless(Scorer):
    """Another scorer that does not obey masks."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return self._scorer(users, window)


def careless(policy: Policy) -> Policy:
    scorer = policy.scorer
    policy.scorer = lambda: Careless(scorer())  # type: ignore[method-assign]
    return policy


def contrary(policy: Policy) -> Policy:
    """Prefers the items that the world model likes least."""
    assert isinstance(policy, StaticPolicy)
    policy.estimates.neg_()
    return policy


class Drifting(StaticLearner):
    """Changes its policy by a count that it does not save."""

    epochs = 0

    def epoch(self, environments: int, steps: int, generator: torch.Generator):  # type: ignore[no-untyped-def]
        self.epochs += 1
        self.policy.bonus.copy_(1e-3 * self.epochs * torch.arange(40.0))
        return super().epoch(environments, steps, generator)


def drifting(learner: Learner) -> Learner:
    assert isinstance(learner.policy, StaticPolicy)
    return Drifting(learner.policy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"change_policy": careless}, "recommends an item twice|raises"),
        ({"change_policy": contrary}, "does not learn: sampled, it gets 1.*; expected more than"),
        ({"change_learner": drifting}, "stopped and resumed, ends elsewhere.*differs"),
        ({"change_learner": lambda learner: None}, "raises AttributeError"),
    ],
)
def test_what_breaks_the_contract_is_named(changes: Mapping[str, object], message: str) -> None:
    with pytest.raises(AssertionError, match=rf"^method 'other'.*({message})") as caught:
        check_method(changed(**changes), QUICK)
    assert len(str(caught.value).splitlines()) == 1


def test_settings_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InputError, match=r"static.bonsu"):
        check_method(changed(fixed={**UCB.fixed, "static.bonsu": 1.0}), QUICK)
    with pytest.raises(InputError, match="there is a method named 'ucb' already"):
        check_method(replace(UCB, summary="another"))
