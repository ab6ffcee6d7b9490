"""How a run is put together where darlr and the references differ: here darlr's own way.

`darlr.references` has the other one, for comparison with published numbers alone. Whoever puts a run together chooses once
(`darlr.run.choosing`) and hands the choice on; nothing below asks for the switch.
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
    """Settings that a way of putting runs together brings along.

    Attributes:
        fixed: by dotted key, what makes it; another value is refused.
        published: sizes and schedules, nested; defaults that may be changed.
    """

    fixed: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[str, Any] = field(default_factory=dict)


class Ways:
    """darlr's own way.

    Attributes:
        simulator: what episodes run in.
        a2c: who learns an actor-critic.
        hidden_penalty: whether `reward.uncertainty_weight` changes something even where no uncertainty is penalised.
    """

    simulator: type[Simulator] = Simulator
    a2c: type[A2C] = A2C
    hidden_penalty = False

    def imposed(self, method: str, dataset: str) -> Imposed:
        """Settings for the method and the data set of these names."""
        return Imposed()

    def check(self, config: ExperimentConfig, dataset: Dataset, offline: bool) -> None:
        """Raise `InputError` for settings or data that cannot be had in this way."""

    def notices(self) -> list[str]:
        """What a user must know of it, in lines."""
        return []

    def fit(self, config: ExperimentConfig, checkpoint: FitCheckpoint | None = None, workers: Workers = HERE) -> Fit:
        """Who fits the world model, from `checkpoint` on if its kind can go on from one; `workers` share in it if it can."""
        return WORLD_MODELS[config.world_model.kind].going_on(checkpoint, workers)

    def unlogged_reward(self, config: ExperimentConfig, dataset: Dataset) -> float | None:
        """What the world model takes pairs that the log lacks as worth, if it learns from them."""
        return WORLD_MODELS[config.world_model.kind].unlogged(config.world_model, dataset)

    def tracker(
        self, config: ExperimentConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator
    ) -> StateTracker:
        """The state tracker over item vectors (n_items, d) and user vectors (n_users, d_u)."""
        return state_tracker(config.tracker, item_vectors, user_vectors, generator)

    def static_policy(self, estimates: Tensor, epsilon: float) -> StaticPolicy:
        """The policy that follows `estimates` (n_users, n_items)."""
        return StaticPolicy(estimates, epsilon)

    def offline_policy(self, kind: type[OfflinePolicy]) -> type[OfflinePolicy]:
        """`kind`, or how it acts in this way."""
        return kind

    def replay_order(self, seed: int) -> np.random.Generator | None:
        """What draws the order of rows where the log has no time; None replays them as they stand."""
        return numpy_generator(seed, "replay")

    def seen(self, replay: Replay) -> Replay:
        """The logged steps with the rewards that states show."""
        return replay

    def paid(self, reward: RewardSource, parts: RewardParts, truth: bool) -> RewardSource:
        """What the simulator pays, given what `reward.kind` builds of `parts`; truth: whether GT learns from it."""
        return reward

    def leave_rule(self, rule: LeaveRule, n_items: int) -> LeaveRule:
        """The rule by which users of a world with `n_items` leave."""
        return rule

    def start_reward(self, low: float, high: float) -> float:
        """The start item's reward in windows whose rewards run from `low` to `high`, from the second step on."""
        return 1.0

    def require_allowed(self, forbidden: bool) -> None:
        """Raise `InputError` for a test world that forbids items (`forbidden`), where this way cannot play in one."""

    def seen_range(self, dataset: Dataset, truth: Tensor, offline: bool) -> tuple[float, float]:
        """What normalises the rewards of tested states: the range that the data set declares for what its test world pays.

        Args: truth: (n_users, n_items); offline: whether the method learns from the log alone.
        """
        return dataset.paid_range
