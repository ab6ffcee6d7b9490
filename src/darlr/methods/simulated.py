"""The methods that learn by A2C in the simulator: they differ in what it pays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from darlr.agents.learning import Learner
from darlr.agents.policy import ActorCritic, Policy
from darlr.agents.settings import A2CConfig
from darlr.config.constraints import Section
from darlr.config.experiment import ExperimentConfig
from darlr.methods.cost import Work, seconds_of_step
from darlr.methods.method import Method
from darlr.methods.parts import LearnerParts, PolicyParts

A2C_SPACE: Mapping[str, Any] = {
    "a2c.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "a2c.discount": [0, 0.5, 0.9, 0.99],  # down to 0, no future: best where what comes later hangs on nothing done now
    "a2c.entropy_weight": [0, 0.001, 0.01, 0.1],
}
UNCERTAINTY_SPACE: Mapping[str, Any] = {
    **A2C_SPACE,
    "reward.uncertainty_weight": {"low": 0.001, "high": 1, "log": True},
}
PENALTIES_SPACE: Mapping[str, Any] = {
    **UNCERTAINTY_SPACE,
    "reward.entropy_weight": {"low": 0.01, "high": 10, "log": True},
}


@dataclass(frozen=True, kw_only=True)
class Simulated(Method):
    """A2C in the simulator."""

    reads: tuple[type[Section], ...] = (A2CConfig,)

    simulated: ClassVar[bool] = True

    def policy(self, parts: PolicyParts) -> Policy:
        generator = parts.generator("weights")
        tracker = parts.tracker(generator)
        return ActorCritic(parts.config.policy, tracker, parts.categories, parts.prior(), generator).to(parts.device)

    def learner(self, parts: LearnerParts, policy: Policy) -> Learner:
        return parts.a2c(policy, parts.world.reward, parts.world.learned)

    def work(self, config: ExperimentConfig, items: int) -> Work:
        steps = config.training.steps_per_epoch
        return Work(self.step(config, items) * steps, steps, self.alike(config))

    def step(self, config: ExperimentConfig, items: int) -> float:
        """Seconds of a step of learning."""
        return seconds_of_step(config, items)

    def alike(self, config: ExperimentConfig) -> tuple[Any, ...]:
        """Runs in which this is equal take about the same time a step."""
        return (config.tracker, config.policy)
