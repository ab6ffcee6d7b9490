"""The methods that follow the world model and learn nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from darlr.agents.learning import Learner
from darlr.agents.policy import Policy
from darlr.agents.settings import StaticConfig
from darlr.agents.static.policy import StaticLearner, StaticPolicy, confidence_bonus
from darlr.config.constraints import Section
from darlr.config.experiment import ExperimentConfig
from darlr.methods.cost import STEPS_OF_TESTS, Work, seconds_of_step
from darlr.methods.method import Method
from darlr.methods.parts import LearnerParts, PolicyParts

ONE_NETWORK: Mapping[str, Any] = {"world_model": {"members": 1}, "training": {"epochs": 1}}


@dataclass(frozen=True, kw_only=True)
class Static(Method):
    """The world model's best item, modified as `StaticConfig` says."""

    reads: tuple[type[Section], ...] = (StaticConfig,)

    slates: ClassVar[bool] = True

    def policy(self, parts: PolicyParts) -> Policy:
        return parts.ways.static_policy(parts.estimated(), parts.config.own(StaticConfig).epsilon)

    def learner(self, parts: LearnerParts, policy: Policy) -> Learner:
        if not isinstance(policy, StaticPolicy):
            raise TypeError(f"a {type(policy).__name__} is not static")
        policy.bonus.copy_(parts.config.own(StaticConfig).bonus * confidence_bonus(parts.dataset))
        return StaticLearner(policy)

    def work(self, config: ExperimentConfig, items: int) -> Work:
        seconds = seconds_of_step(config, items) * STEPS_OF_TESTS
        return Work(seconds, config.training.steps_per_epoch, (config.tracker, config.policy))
