"""The steps of building a run in which darlr and the reference code differ; this class is darlr's own way.

`darlr.references` has the other one, for comparison with published numbers alone. The code that builds a run chooses once
(`darlr.run.choosing`) and passes the choice on; nothing below asks for the switch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from darlr.agents.a2c import A2C
from darlr.agents.networks.trackers import StateTracker, state_tracker
from darlr.agents.offline.policy import OfflinePolicy
from darlr.agents.offline.replay import Replay
from darlr.agents.static.policy import StaticPolicy
from darlr.cluster.workers import HERE, Workers
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.rewards.kinds import RewardParts
from darlr.rewards.source import RewardSource
from darlr.seeding import numpy_generator
from darlr.simulator.leave import LeaveRule
from darlr.simulator.simulator import Simulator
from darlr.world_model.kinds import WORLD_MODELS, Fit
from darlr.world_model.training import FitCheckpoint


@dataclass(frozen=True)
class Imposed:
    """Settings that a way of building runs requires.

    Attributes:
        fixed: settings by dotted key that define it; another value is refused.
        published: sizes and schedules, nested; they are defaults and may be changed.
    """

    fixed: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[str, Any] = field(default_factory=dict)


class Ways:
    """darlr's own way of building runs.

    Attributes:
        simulator: the class of the simulator.
        a2c: the class of the learner of an actor-critic.
        hidden_penalty: whether `reward.uncertainty_weight` has an effect even if no uncertainty is penalised.
    """

    simulator: type[Simulator] = Simulator
    a2c: type[A2C] = A2C
    hidden_penalty = False

    def imposed(self, method: str, dataset: str) -> Imposed:
        """Return the settings that this way requires for the method and the data set of these names."""
        return Imposed()

    def check(self, config: ExperimentConfig, dataset: Dataset, offline: bool) -> None:
        """Raise `InputError` for settings or data that this way does not support."""

    def notices(self) -> list[str]:
        """Return lines that a user must know about this way."""
        return []

    def fit(self, config: ExperimentConfig, checkpoint: FitCheckpoint | None = None, workers: Workers = HERE) -> Fit:
        """Return the function that fits the world model.

        Args:
            config: the settings.
            checkpoint: the state to resume from, if the kind of world model supports it.
            workers: share in the fit, if the kind of world model supports it.
        """
        return WORLD_MODELS[config.world_model.kind].going_on(checkpoint, workers)

    def unlogged_reward(self, config: ExperimentConfig, dataset: Dataset) -> float | None:
        """Return the reward that the world model assumes for pairs outside the log; None if it does not learn from them."""
        return WORLD_MODELS[config.world_model.kind].unlogged(config.world_model, dataset)

    def tracker(
        self, config: ExperimentConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator
    ) -> StateTracker:
        """Make the state tracker over item vectors (n_items, d) and user vectors (n_users, d_u)."""
        return state_tracker(config.tracker, item_vectors, user_vectors, generator)

    def static_policy(self, estimates: Tensor, epsilon: float) -> StaticPolicy:
        """Make the policy that follows `estimates` (n_users, n_items)."""
        return StaticPolicy(estimates, epsilon)

    def offline_policy(self, kind: type[OfflinePolicy]) -> type[OfflinePolicy]:
        """Return `kind`, or the subclass of it that acts in this way."""
        return kind

    def replay_order(self, seed: int) -> np.random.Generator | None:
        """Return the generator that orders the rows of a log without times; None replays them in the order of the file."""
        return numpy_generator(seed, "replay")

    def seen(self, replay: Replay) -> Replay:
        """Return the logged steps with the rewards that states show."""
        return replay

    def paid(self, reward: RewardSource, parts: RewardParts, truth: bool) -> RewardSource:
        """Return the source of the simulator's rewards.

        Args:
            reward: the source that `reward.kind` built of `parts`.
            parts: its parts.
            truth: whether the method learns from the truth (GT).
        """
        return reward

    def leave_rule(self, rule: LeaveRule, n_items: int) -> LeaveRule:
        """Return the rule by which users of a world with `n_items` leave."""
        return rule

    def start_reward(self, low: float, high: float) -> float:
        """Return the start item's reward, from the second step on, in windows whose rewards lie between `low` and `high`."""
        return 1.0

    def require_allowed(self, forbidden: bool) -> None:
        """Raise `InputError` for a test world that forbids items (`forbidden`), if this way does not support one."""

    def seen_range(self, dataset: Dataset, truth: Tensor, offline: bool) -> tuple[float, float]:
        """Return the range that normalises the rewards of tested states: the one that the data set declares for its test world.

        Args:
            dataset: the data set.
            truth: (n_users, n_items) true rewards.
            offline: whether the method learns from the log alone.
        """
        return dataset.paid_range
