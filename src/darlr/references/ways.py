"""The reference code's way of building a run, slips included (docs/reference_quirks.md)."""

from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import OfflinePolicy
from darlr.agents.offline.replay import Replay
from darlr.agents.static.policy import StaticPolicy
from darlr.cluster.workers import HERE, Workers
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.errors import InputError
from darlr.methods.ways import Imposed, Ways
from darlr.references.agents import FirstStepBonus, ReferenceA2C, as_references_act, as_references_see
from darlr.references.imposed import imposed_settings
from darlr.references.simulator import NormalisedStart, WrappedWindow, normalised_start, reference_tracker
from darlr.references.world_model import fit_as_references
from darlr.rewards.kinds import RewardParts
from darlr.rewards.source import RewardSource
from darlr.rewards.table import TableReward, penalised_reward
from darlr.simulator.leave import LeaveRule
from darlr.world_model.kinds import Fit
from darlr.world_model.model import WorldModel
from darlr.world_model.training import FitCheckpoint, FitMonitor


class ReferenceWays(Ways):
    """The reference code's way."""

    simulator = NormalisedStart
    a2c = ReferenceA2C
    # Rewards are shifted by the uncertainty before shaping, times the weight.
    hidden_penalty = True

    def imposed(self, method: str, dataset: str) -> Imposed:
        return imposed_settings(method, dataset)

    def check(self, config: ExperimentConfig, dataset: Dataset, offline: bool) -> None:
        """Raise `InputError` for settings or data that the reference code does not support."""
        if config.slate.active:
            raise InputError(
                "config key 'slate' asks for slates, which the references ('reference_quirks') lack; expected its defaults"
            )
        if config.data.missing_truth == "masked":
            raise InputError(
                "config key 'data.missing_truth' is 'masked', but the references' masks ('reference_quirks') treat blocked "
                "items as items of the episode; expected 'zero'"
            )
        if config.leave.by == "learned":
            raise InputError(
                "config key 'leave.by' is 'learned', but the reference code ('reference_quirks') has no such rule; expected "
                "'category', 'distance' or 'never'"
            )
        if config.training.groups > 1:
            raise InputError(
                f"config key 'training.groups' is {config.training.groups:,}, but the references ('reference_quirks') play "
                "collections whole; expected 1"
            )
        if offline and dataset.log.rewards.min() == dataset.log.rewards.max():
            raise InputError(
                f"with config key 'reference_quirks' the states of method '{config.method}' have rewards normalised by the "
                "log's range, but every logged reward is the same; expected rewards that differ"
            )

    def notices(self) -> list[str]:
        return ["with the references' slips (reference_quirks): for comparison with published numbers alone"]

    def fit(self, config: ExperimentConfig, checkpoint: FitCheckpoint | None = None, workers: Workers = HERE) -> Fit:
        return _fit

    def unlogged_reward(self, config: ExperimentConfig, dataset: Dataset) -> float | None:
        return 0.0

    def tracker(
        self, config: ExperimentConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator
    ) -> StateTracker:
        return reference_tracker(config.tracker, item_vectors, user_vectors, generator)

    def static_policy(self, estimates: Tensor, epsilon: float) -> StaticPolicy:
        return FirstStepBonus(estimates, epsilon)

    def offline_policy(self, kind: type[OfflinePolicy]) -> type[OfflinePolicy]:
        return as_references_act(kind)

    def replay_order(self, seed: int) -> np.random.Generator | None:
        return None

    def seen(self, replay: Replay) -> Replay:
        return as_references_see(replay)

    def paid(self, reward: RewardSource, parts: RewardParts, truth: bool) -> RewardSource:
        """Take shift and range from the predictions before shaping; the truth is not shifted (protocol sections 5 and 8)."""
        if not isinstance(reward, TableReward):
            raise InputError("config key 'reference_quirks' needs 'reward.kind' to be 'penalised'")
        ranged = penalised_reward(parts.predicted.rewards, parts.predicted.uncertainty, parts.entropy, parts.weights)
        return TableReward(reward.table, 0.0, ranged.high) if truth else ranged.over(reward.table)

    def leave_rule(self, rule: LeaveRule, n_items: int) -> LeaveRule:
        return WrappedWindow(rule, n_items)

    def start_reward(self, low: float, high: float) -> float:
        return normalised_start(low, high)

    def require_allowed(self, forbidden: bool) -> None:
        if forbidden:
            raise InputError(
                "the truth lacks items that the policy may recommend, but the references' masks ('reference_quirks') treat "
                "blocked items as items of the episode; expected a truth that has all of them"
            )

    def seen_range(self, dataset: Dataset, truth: Tensor, offline: bool) -> tuple[float, float]:
        """Return the range of the truth (n_users, n_items), or of the log for methods that learn from it alone (protocol
        section 2).
        """
        known = dataset.log.rewards if offline else truth
        return float(known.min()), float(known.max())


def _fit(
    dataset: Dataset, config: ExperimentConfig, device: torch.device, monitor: FitMonitor | None
) -> tuple[WorldModel, dict[str, object]]:
    model, report = fit_as_references(dataset, config.world_model, config.seed, device, monitor)
    return model, asdict(report)
