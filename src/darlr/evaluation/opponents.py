"""The opponents: policies that learn nothing, shown beside every method, each judged once on every user of the test world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.agents.static.lists import item_means, popularity
from darlr.agents.static.matrix_factorisation import factorised
from darlr.agents.static.scorers import SkippingScorer, TableScorer
from darlr.data.dataset import Dataset
from darlr.evaluation.modes import MODES
from darlr.evaluation.protocol import TestWorld, run_full_test
from darlr.evaluation.table import Results, Values
from darlr.registry import Registry
from darlr.world.settings import LeaveConfig


@dataclass(frozen=True)
class OpponentParts:
    """What an opponent is made of; none has seen the truth.

    Attributes:
        dataset: what is learned from.
        estimates: (n_users, n_items) of the world model.
        generator: for opponents that draw something.
    """

    dataset: Dataset
    estimates: Tensor
    generator: np.random.Generator

    @property
    def device(self) -> torch.device:
        return self.estimates.device


Opponent = Callable[[OpponentParts], Scorer | None]
"""Builds a list to compare methods with; None where the log does not allow it."""


def _popular(parts: OpponentParts) -> Scorer:
    return TableScorer(popularity(parts.dataset).to(parts.device))


def _item_mean(parts: OpponentParts) -> Scorer | None:
    """Left out where the log holds positives alone: all means are equal."""
    rewards = parts.dataset.log.rewards
    return TableScorer(item_means(parts.dataset).to(parts.device)) if rewards.min() < rewards.max() else None


def _matrix_factorisation(parts: OpponentParts) -> Scorer | None:
    return factorised(parts.dataset, parts.generator, parts.device)


def _greedy_world_model(parts: OpponentParts) -> Scorer:
    return TableScorer(parts.estimates)


OPPONENTS: Registry[Opponent] = Registry(
    "opponent",
    lambda: {
        "popular": _popular,
        "item_mean": _item_mean,
        "matrix_factorisation": _matrix_factorisation,
        "greedy_world_model": _greedy_world_model,
    },
)


def register_opponent(name: str, build: Opponent) -> Opponent:
    """Add a list that every method is shown beside, plain and skipping; raises `InputError` if the name is taken."""
    return OPPONENTS.register(name, build)


def opponent_scorers(parts: OpponentParts, leave: LeaveConfig, membership: Tensor) -> dict[str, Scorer]:
    """The opponents by name; where users leave by category, each also without what shares one with the last N items.

    Args: membership: (n_items, C) bool, which item has which category.
    """
    built = {name: build(parts) for name, build in OPPONENTS.items()}
    scorers = {name: scorer for name, scorer in built.items() if scorer is not None}
    if leave.by == "category":
        skipping = {f"{name}_skipping": SkippingScorer(scorer, membership, leave.window) for name, scorer in scorers.items()}
        scorers = {**scorers, **skipping}
    return scorers


def judge_opponents(
    world: TestWorld, scorers: Mapping[str, Scorer], leave: LeaveConfig, membership: Tensor, generator: torch.Generator
) -> Results:
    """Results of the `scorers`, the uniform policy and, as a reference, the truth's own greedy list.

    Every user of the world has one episode; all act greedily but the uniform policy, which is sampled. The truth's list skips
    shared categories in the modes whose users leave for them.
    """
    oracle = TableScorer(world.table)
    skipping = SkippingScorer(oracle, membership, leave.window)
    uniform = TableScorer(torch.zeros(1, world.n_items, device=world.device))
    results: dict[str, Mapping[str, Values]] = {
        "uniform_random": {mode: world.measure(mode, world.every_user, uniform, generator) for mode in MODES}
    }
    for name, scorer in scorers.items():
        results[name] = run_full_test(world, scorer)
    by_category = leave.by == "category"
    results["truth_oracle"] = {
        mode: world.measure(mode, world.every_user, skipping if settings.users_leave and by_category else oracle, None)
        for mode, settings in MODES.items()
    }
    return results
