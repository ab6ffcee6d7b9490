"""Opponents that break the contract in one way get a message about it."""

import pytest
import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.agents.static.scorers import TableScorer
from darlr.agents.supervised import pairwise, sequences
from darlr.evaluation.opponents import OPPONENTS, OpponentParts
from darlr.testing import check_opponent
from darlr.world.window import Window


@pytest.mark.parametrize("name", [name for name in OPPONENTS if name != "activity_weighted"])  # for positives alone
def test_ours_keep_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for trained in (pairwise, sequences):
        monkeypatch.setattr(trained, "MOST_EPOCHS", 1)
    check_opponent(OPPONENTS[name])


class Careless(TableScorer):
    """Does not obey masks."""

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return super().__call__(users, window)


class Unnormalised(TableScorer):
    """Returns scores instead of probabilities."""

    def probabilities(self, scores: Tensor) -> Tensor:
        return scores.exp()


def careless(parts: OpponentParts) -> Scorer:
    return Careless(parts.estimates.table())


def unnormalised(parts: OpponentParts) -> Scorer:
    return Unnormalised(parts.estimates.table())


def narrow(parts: OpponentParts) -> Scorer:
    return TableScorer(parts.estimates.table()[:, 1:])


def undefined(parts: OpponentParts) -> Scorer:
    return TableScorer(torch.full_like(parts.estimates.table(), float("nan")))


def random(parts: OpponentParts) -> Scorer:
    return TableScorer(torch.rand_like(parts.estimates.table()))


def shy(parts: OpponentParts) -> None:
    return None


def writing(parts: OpponentParts) -> Scorer:
    return TableScorer(parts.estimates.table().sub_(0.1))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (careless, "a blocked item has a score"),
        (unnormalised, "do not add up to 1"),
        (narrow, r"its scores have shape \(20, 39\); expected \(20, 40\)"),
        (undefined, "not numbers"),
        (random, "two builds with one seed differ"),
        (shy, "builds a NoneType"),
        (writing, "changes the estimates|two builds"),
    ],
)
def test_what_breaks_the_contract_is_named(build: object, message: str) -> None:
    with pytest.raises(AssertionError, match=rf"^opponent '{getattr(build, '__name__')}'.*({message})"):  # noqa: B009
        check_opponent(build)  # type: ignore[arg-type]
