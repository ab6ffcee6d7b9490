"""The opponents: policies that learn nothing in the simulator, reported beside every method.

Each is judged once on every user of the test world.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.agents.believing.belief import BelievedList
from darlr.agents.believing.factors import FactorBelief
from darlr.agents.settings import BeliefConfig
from darlr.agents.static.lists import activity_weighted, item_means, popularity, selection_aware_means
from darlr.agents.static.matrix_factorisation import FactorisedScorer, factorised
from darlr.agents.static.scorers import EstimateScorer, SkippingScorer, TableScorer
from darlr.agents.supervised.supervised import Played
from darlr.data.dataset import Dataset
from darlr.evaluation.names import BELIEVED, ORACLE, POPULAR, SKIPPING, UNIFORM
from darlr.evaluation.protocol import EvaluationWorld, FullTest, run_full_test
from darlr.evaluation.settings import ALL, DEFAULT
from darlr.evaluation.supervised import SUPERVISED, Fits, supervised_scorer
from darlr.registry import Registry
from darlr.rewards.estimates.interface import Estimates
from darlr.world.settings import LeaveConfig
from darlr.world.world import World
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.factors.problem import is_implicit
from darlr.world_model.factors.responses import FactorResponses


@dataclass(frozen=True)
class ListFactors:
    """The factor model behind lists, independent of the run's own world model.

    Attributes:
        model: the factor model.
        activity_exponent: rows of a user with n rows weigh (n + 6)^-exponent.
    """

    model: FactorModel
    activity_exponent: float

    def responses(self, world: World, seen_range: tuple[float, float]) -> FactorResponses:
        """The responses of the world's users and items.

        Args:
            world: its users and items are indices into the log's vocabularies.
            seen_range: smallest and largest reward of the world.
        """
        device = self.model.shares.device
        users, items = (torch.from_numpy(entities).to(device) for entities in (world.users, world.items))
        return self.model.responses.of(users, items).within(*seen_range)


Factors = Callable[[], ListFactors | None]
"""Returns the factor model, which the first call fits; None if the log does not allow a fit."""


@dataclass(frozen=True)
class Sources:
    """The sources of slowly learned parameters for opponents, and the receiver of messages.

    Attributes:
        factors: the factor model of the log.
        fits: the parameters of other fits.
        notice: receives messages about opponents that are left out.
    """

    factors: Factors
    fits: Fits
    notice: Callable[[str], None]


@dataclass(frozen=True)
class OpponentParts:
    """The inputs of an opponent; none of them depends on the truth.

    Attributes:
        dataset: training data.
        estimates: (n_users, n_items) of the world model.
        generator: for opponents that draw random numbers.
        seen_range: smallest and largest reward of the tested world, by which windows normalise rewards.
        sources: the factor model of the log, and other fits.
    """

    dataset: Dataset
    estimates: Estimates
    generator: np.random.Generator
    seen_range: tuple[float, float]
    sources: Sources

    @property
    def device(self) -> torch.device:
        """The device of the estimates."""
        return self.estimates.device

    def responses(self) -> FactorResponses | None:
        """The factor model's responses for the world's users and items, in the tested world's range; None without a factor
        model.
        """
        factors = self.sources.factors()
        return None if factors is None else factors.responses(self.dataset.world, self.seen_range)


Opponent = Callable[[OpponentParts], Scorer | None]
"""Builds a list for comparison with methods; None if the log does not allow it."""


def _popular(parts: OpponentParts) -> Scorer:
    return TableScorer(popularity(parts.dataset).to(parts.device))


def _item_mean(parts: OpponentParts) -> Scorer | None:
    """None if the log holds positives alone, because all means are equal."""
    rewards = parts.dataset.log.rewards
    return TableScorer(item_means(parts.dataset).to(parts.device)) if rewards.min() < rewards.max() else None


def _selection_aware_mean(parts: OpponentParts) -> Scorer | None:
    """None if the log holds positives alone, because it would equal the popularity list."""
    return None if is_implicit(parts.dataset.log) else TableScorer(selection_aware_means(parts.dataset).to(parts.device))


def _activity_weighted(parts: OpponentParts) -> Scorer | None:
    """Popularity with active users weighed down; None unless the log holds positives alone."""
    if not is_implicit(parts.dataset.log) or (factors := parts.sources.factors()) is None:
        return None
    return TableScorer(activity_weighted(parts.dataset, factors.activity_exponent).to(parts.device))


def _matrix_factorisation(parts: OpponentParts) -> Scorer | None:
    return factorised(parts.dataset, parts.generator, parts.device)


def _variational(parts: OpponentParts) -> Scorer | None:
    """The order of the factor model's estimates, before they are cut to the log's range."""
    if (responses := parts.responses()) is None:
        return None
    return FactorisedScorer(responses.user_means, torch.cat([responses.intercepts[:, None], responses.loadings], dim=1))


def _list_with_belief(parts: OpponentParts) -> Scorer | None:
    """The variational list, which also learns from the user during an episode; noise levels are the settings' defaults."""
    if (responses := parts.responses()) is None:
        return None
    return BelievedList(FactorBelief(responses, BeliefConfig().levels))


def _greedy_world_model(parts: OpponentParts) -> Scorer:
    return EstimateScorer(parts.estimates)


def _supervised(parts: OpponentParts, name: str) -> Scorer | None:
    played = Played(parts.dataset, parts.seen_range, parts.device)
    return supervised_scorer(name, played, parts.sources.fits, parts.sources.notice)


OPPONENTS: Registry[Opponent] = Registry(
    "opponent",
    lambda: {
        POPULAR: _popular,
        "item_mean": _item_mean,
        "selection_aware_mean": _selection_aware_mean,
        "activity_weighted": _activity_weighted,
        "matrix_factorisation": _matrix_factorisation,
        "variational": _variational,
        BELIEVED: _list_with_belief,
        "greedy_world_model": _greedy_world_model,
        **{name: partial(_supervised, name=name) for name in SUPERVISED},
    },
)


def register_opponent(name: str, build: Opponent) -> Opponent:
    """Add a list that is reported beside every method, plain and skipping.

    Args:
        name: a new name of an opponent.
        build: builds its scorer.

    Raises:
        InputError: if the name is taken.
    """
    return OPPONENTS.register(name, build)


def chosen_opponents(asked: Sequence[str], dataset: Dataset) -> list[str]:
    """The names of the opponents to build.

    The popular list is always among them: without a truth, a policy is compared with it.

    Args:
        asked: the setting `evaluation.opponents`; by default, supervised opponents whose fits take long are left out.
        dataset: training data.

    Raises:
        InputError: for an unknown name.
    """
    for name in set(asked) - {DEFAULT, ALL}:
        OPPONENTS[name]  # refuses an unknown name
    dear = {name for name, kind in SUPERVISED.items() if kind.dear(dataset)}
    by_default = set(OPPONENTS) - dear if DEFAULT in asked else set()
    wanted = set(OPPONENTS) if ALL in asked else {POPULAR, *by_default, *asked}
    return [name for name in OPPONENTS if name in wanted]


def opponent_scorers(
    parts: OpponentParts, leave: LeaveConfig, membership: Tensor, asked: Sequence[str] = (DEFAULT,)
) -> dict[str, Scorer]:
    """The opponents' scorers by name.

    If users leave by category or by a learned hazard, and items have categories, each opponent has a second form. It skips
    items that share a category with the last N items.

    Args:
        parts: the opponents' inputs.
        leave: the leave rule.
        membership: (n_items, C) bool, True if the item has the category.
        asked: the setting `evaluation.opponents`.
    """
    built = {name: OPPONENTS[name](parts) for name in chosen_opponents(asked, parts.dataset)}
    scorers = {name: scorer for name, scorer in built.items() if scorer is not None}
    if leave.by == "category" or (leave.by == "learned" and membership.shape[1]):
        skipping = {f"{name}{SKIPPING}": SkippingScorer(scorer, membership, leave.window) for name, scorer in scorers.items()}
        scorers = {**scorers, **skipping}
    return scorers


def judge_opponents(
    world: EvaluationWorld, scorers: Mapping[str, Scorer], leave: LeaveConfig, membership: Tensor, generator: torch.Generator
) -> dict[str, FullTest]:
    """Test the `scorers`, the uniform policy and, as a reference, the truth's own greedy list.

    Every user of the world has one episode. All act greedily except the uniform policy, which is sampled. The truth's list
    skips shared categories in the modes in which users leave for them.

    Args:
        world: the tested world.
        scorers: the opponents by name.
        leave: the leave rule.
        membership: (n_items, C) bool, True if the item has the category.
        generator: samples the uniform policy.
    """
    oracle = TableScorer(world.table)
    skipping = SkippingScorer(oracle, membership, leave.window)
    uniform = TableScorer(torch.zeros(1, world.n_items, device=world.device))
    tests = {UNIFORM: run_full_test(world, uniform, generator)}
    for name, scorer in scorers.items():
        tests[name] = run_full_test(world, scorer)
    tests[ORACLE] = run_full_test(world, skipping if leave.by == "category" else oracle, unhurried=oracle)
    return tests
