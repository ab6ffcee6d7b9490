"""The world that a policy learns in: the estimates, the rewards, and when users leave."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.errors import RunError
from darlr.methods.ways import Ways
from darlr.rewards.entropy import EntropyTerm
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.predicted import Predicted
from darlr.rewards.kinds import REWARDS, RewardParts
from darlr.rewards.nearest import CellSearch
from darlr.rewards.settings import RewardConfig
from darlr.rewards.source import RewardSource
from darlr.rewards.table import TableReward
from darlr.simulator.choice import ConditionalLogit
from darlr.simulator.learned_leave import LearnedLeave
from darlr.simulator.leave import LeaveRule, leave_rule
from darlr.simulator.simulator import Simulator
from darlr.simulator.slates import SlateRules, SlateSimulator
from darlr.world.hazard import LeaveHazard
from darlr.world_model.leaving.fitting import FittedLeave, fit_leaving
from darlr.world_model.model import WorldModel


@dataclass(frozen=True)
class LearningWorld:
    """The parts of a run's simulator. Two fields may be the same object; none is written to.

    Attributes:
        membership: (n_items, C) bool, whether an item of the world has a category.
        predicted: (n_users, n_items) the world model's estimates.
        learned: (n_users, n_items) the rewards to learn from: the estimates, averaged over neighbours if the method asks
            for it, or the truth for GT.
        uncertainty: (n_users, n_items) P_U, if the method still computes a penalty from it; else None.
        reward: the source of rewards at the start of learning.
        leave: when users quit; it measures estimates, never the truth.
        slates: how users choose from slates, by the rewards that are learned from.
        fitted_leave: the hazard that `leave` goes by, if users leave at random.
        search: figures about the search for the users that estimates are averaged over, unless it was exact.
    """

    membership: Tensor
    predicted: Estimates
    learned: Estimates
    uncertainty: Estimates | None
    reward: RewardSource
    leave: LeaveRule | LearnedLeave
    slates: SlateRules
    fitted_leave: FittedLeave | None = None
    search: CellSearch | None = None

    @classmethod
    def of(
        cls,
        config: ExperimentConfig,
        weights: RewardConfig,
        ways: Ways,
        dataset: Dataset,
        truth: NDArray[np.float32] | None,
        model: WorldModel,
        keeps_uncertainty: bool,
        most_cells: float,
        device: torch.device,
    ) -> Self:
        """Make the world of `dataset`; `Method.learning_world` gives the arguments that depend on the method.

        Args:
            config: the run's settings.
            weights: the reward's settings, as the method wants them.
            ways: darlr's way of building runs, or that of the reference code.
            dataset: the data to learn from.
            truth: (n_users, n_items) true rewards, if they are learned from; else None.
            model: the world model.
            keeps_uncertainty: whether `uncertainty` is kept.
            most_cells: number of user-item pairs up to which estimates are kept in tables; in larger worlds they are
                computed on request.
            device: the device that computes.
        """
        membership = world_membership(dataset, dataset.world.items, device)
        predicted = Predicted.of(model, dataset.world.users, dataset.world.items, device, most_cells)
        shaped = predicted.shaped(config.neighbours)
        learned = shaped.corrected(truth)
        parts = RewardParts(dataset, predicted, learned, entropy_term(config, dataset, device), weights)
        reward = ways.paid(REWARDS[config.reward.kind].build(parts), parts, truth is not None)
        fitted = fitted_leave(config, dataset)
        hazard = None if fitted is None else fitted.hazard
        leave = leave_of(config, ways, hazard, dataset.world.users, membership, shaped.rewards, dataset.log.reward_range)
        kept = shaped.uncertainty if keeps_uncertainty else None
        slates = slate_rules(config, dataset, learned.rewards)
        return cls(membership, predicted.rewards, learned.rewards, kept, reward, leave, slates, fitted, shaped.search)

    @property
    def n_users(self) -> int:
        """The number of users."""
        return len(self.learned)

    def table_reward(self) -> TableReward:
        """Return the reward table, for methods that rewrite it; `Method.require_table` has refused other rewards before."""
        if not isinstance(self.reward, TableReward):
            raise RunError(f"the reward is a {type(self.reward).__name__}; expected a table of estimates")
        return self.reward

    def simulator(self, config: ExperimentConfig, reward: RewardSource, ways: Ways, lookback: int) -> Simulator:
        """Make the environment that a policy learns in, which pays `reward`; windows have `lookback` positions."""
        if config.slate.active:
            return self.slate_simulator(config, reward, lookback)
        n_items, steps = len(self.membership), config.leave.max_steps
        return ways.simulator(reward, self.leave, n_items, steps, lookback, config.training.allow_repeats)

    def slate_simulator(self, config: ExperimentConfig, reward: RewardSource, lookback: int) -> SlateSimulator:
        """Make the same environment with slates, even if they have one item."""
        n_items, steps = len(self.membership), config.leave.max_steps
        game = reward, self.leave, n_items, steps, lookback, config.training.allow_repeats
        return SlateSimulator(*game, self.slates)


def fitted_leave(config: ExperimentConfig, dataset: Dataset) -> FittedLeave | None:
    """Return the hazard of leaving that the log of `dataset` teaches; None if users do not leave at random."""
    return fit_leaving(dataset, config.leave) if config.leave.by == "learned" else None


def learned_hazard(config: ExperimentConfig, dataset: Dataset) -> LeaveHazard | None:
    """Return the law of `fitted_leave` alone."""
    fitted = fitted_leave(config, dataset)
    return None if fitted is None else fitted.hazard


def leave_of(
    config: ExperimentConfig,
    ways: Ways,
    hazard: LeaveHazard | None,
    users: NDArray[np.int64],
    membership: Tensor,
    rewards: Estimates | Tensor,
    bounds: tuple[float, float],
) -> LeaveRule | LearnedLeave:
    """Make the rule by which the users of a world leave.

    Args:
        config: the run's settings.
        ways: darlr's way of building runs, or that of the reference code.
        hazard: the law, if users leave at random, else None.
        users: (n_users,) the world's users, as indices into the log's.
        membership: (n_items, C) bool, whether an item has a category.
        rewards: (n_users, n_items) what the rule measures.
        bounds: smallest and largest reward on their scale.
    """
    if hazard is None:
        return ways.leave_rule(leave_rule(config.leave, membership, rewards), len(membership))
    return LearnedLeave(hazard, torch.from_numpy(users).to(membership.device), membership, rewards, bounds)


def world_membership(dataset: Dataset, items: NDArray[np.int64], device: torch.device) -> Tensor:
    """Return (n_items, C) bool: whether the `items` (n_items,), indices into the log's, have each category."""
    return torch.from_numpy(dataset.items.membership()[items]).to(device)


def slate_rules(config: ExperimentConfig, dataset: Dataset, rewards: Estimates) -> SlateRules:
    """Return the run's rules of slates for users who would give `rewards` (n_users, n_items)."""
    return SlateRules(config.slate.size, config.slate.leave, ConditionalLogit.of(config.slate, dataset.paid_range), rewards)


def entropy_term(config: ExperimentConfig, dataset: Dataset, device: torch.device) -> EntropyTerm | None:
    """Make the entropy term; None if its weight is 0 or the log has no time."""
    if config.reward.entropy_weight == 0 or dataset.log.times is None or not config.reward.entropy_orders:
        return None
    return EntropyTerm.fit(dataset.log, dataset.world, config.reward.entropy_orders, device)
