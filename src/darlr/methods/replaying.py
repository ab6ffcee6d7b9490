"""The methods that learn from a replay of simulated steps; they differ in their loss (docs/methods/replay.md)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

from darlr.agents.learning import Learner
from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.updates import TargetedUpdates
from darlr.agents.policy import Policy
from darlr.agents.replaying.learner import ReplayLearner, Updates
from darlr.agents.replaying.policy import ExploringPolicy
from darlr.agents.settings import ReplayConfig
from darlr.config.constraints import Section
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.methods.cost import STEPS_OF_TESTS, Work, seconds_of_step
from darlr.methods.method import NO_PENALTIES, Method, Settings
from darlr.methods.offline import UPDATE, UPDATE_AND_VALUE, require_plain_heads
from darlr.methods.on_policy import NO_REFERENCE
from darlr.methods.parts import LearnerParts, PolicyParts

REPLAY_SPACE: Mapping[str, Any] = {
    "replay.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "replay.discount": [0, 0.5, 0.9, 0.99],
    "replay.n_step": [1, 3, 5],
}


@dataclass(frozen=True, kw_only=True)
class Replaying(Method):
    """A method that learns from a replay of simulated steps.

    Attributes:
        build: (config, tracker, n_items, generator) -> the policy, whose losses define the method.
    """

    build: Callable[[ExperimentConfig, StateTracker, int, torch.Generator], ExploringPolicy]
    fixed: Settings = field(default_factory=lambda: {**NO_PENALTIES, **NO_REFERENCE})
    reads: tuple[type[Section], ...] = (ReplayConfig,)

    simulated: ClassVar[bool] = True
    by_request: ClassVar[bool] = True
    undivided: ClassVar[str] = "learns from a replay, which takes more time than its episodes"

    def check(self, config: ExperimentConfig, dataset: Dataset) -> None:
        super().check(config, dataset)
        require_plain_heads(self.name, config)

    def policy(self, parts: PolicyParts) -> Policy:
        generator = parts.generator("weights")
        tracker = parts.tracker(generator)
        return self.build(parts.config, tracker, len(parts.items), generator).to(parts.device)

    def learner(self, parts: LearnerParts, policy: Policy) -> Learner:
        if not isinstance(policy, ExploringPolicy):
            raise TypeError(f"method '{self.name}' learns no {type(policy).__name__}")
        config, world = parts.config, parts.world
        simulator = world.simulator(config, world.reward, parts.ways, parts.lookback)
        own = config.own(ReplayConfig)
        return ReplayLearner(policy, self.updates(parts, policy), simulator, world.n_users, own, world.learned)

    def updates(self, parts: LearnerParts, policy: ExploringPolicy) -> Updates:
        """The gradient steps that change `policy`."""
        own = parts.config.own(ReplayConfig)
        return TargetedUpdates(policy, own.learning_rate, own.target_sync)

    def work(self, config: ExperimentConfig, items: int) -> Work:
        own, steps = config.own(ReplayConfig), config.training.steps_per_epoch
        updates = steps / own.steps_per_update
        learning = (UPDATE + UPDATE_AND_VALUE * own.batch_size * items * self.outputs(config)) * updates
        seconds = learning + seconds_of_step(config, items) * (steps + STEPS_OF_TESTS)
        return Work(seconds, steps, (config.tracker, config.policy, own.batch_size, own.steps_per_update))

    def outputs(self, config: ExperimentConfig) -> int:
        """Number of outputs of the policy for every item."""
        return 1
