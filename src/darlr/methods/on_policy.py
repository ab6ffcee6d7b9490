"""The methods that learn the actor-critic network from each new collection, by a loss other than A2C's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from darlr.agents.a2c import A2C
from darlr.agents.policy import ActorCritic, Policy
from darlr.agents.recommending import RecommendingAgent
from darlr.agents.settings import A2CConfig
from darlr.config.constraints import Section
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.errors import InputError
from darlr.methods.method import Settings
from darlr.methods.parts import LearnerParts
from darlr.methods.simulated import Simulated
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.source import RewardSource
from darlr.simulator.simulator import Simulator

NO_REFERENCE: Settings = {"reference_quirks": False}
"""Fixed setting of methods that the references of DARLR's comparison lack."""

AgentBuilder = Callable[[ActorCritic, Simulator, int, ExperimentConfig, Estimates], A2C]
"""(policy, simulator, number of users, settings, rewards to learn from) -> the agent that learns the policy."""


@dataclass(frozen=True, kw_only=True)
class OnPolicy(Simulated):
    """A method that learns the actor-critic network in the simulator.

    Attributes:
        agent: builds the agent; its loss defines the method.
    """

    agent: AgentBuilder
    reads: tuple[type[Section], ...] = (A2CConfig,)

    def check(self, config: ExperimentConfig, dataset: Dataset) -> None:
        super().check(config, dataset)
        if config.policy.actor != "network":
            raise InputError(
                f"config key 'policy.actor' is '{config.policy.actor}', but method '{self.name}' learns a network; "
                "expected 'network'"
            )

    def recommender(
        self, parts: LearnerParts, policy: Policy, reward: RewardSource, learned: Estimates
    ) -> RecommendingAgent[Any]:
        if not isinstance(policy, ActorCritic):
            raise TypeError(f"method '{self.name}' learns no {type(policy).__name__}")
        simulator = parts.world.simulator(parts.config, reward, parts.ways, parts.lookback)
        return self.agent(policy, simulator, parts.world.n_users, parts.config, learned)
