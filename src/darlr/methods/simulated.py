"""The methods that learn by A2C in the simulator; they differ in the reward that it pays."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from darlr.agents.believing.learning import BayesAdaptive
from darlr.agents.believing.policy import BayesAdaptivePolicy
from darlr.agents.believing.tables import Certainty, CorrectedTable
from darlr.agents.learning import Learner
from darlr.agents.policy import ActorCritic, Policy
from darlr.agents.recommending import RecommendingAgent
from darlr.agents.settings import A2CConfig, BeliefConfig
from darlr.config.constraints import Section
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.errors import InputError
from darlr.methods.believing import believing_policy, factor_belief, seconds_of_belief
from darlr.methods.candidates import candidates_of, whole_episode
from darlr.methods.cost import Work, seconds_of_step
from darlr.methods.method import Method
from darlr.methods.parts import LearnerParts, PolicyParts
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.source import RewardSource

LEARNS_TRUTH = "learns from the true rewards, which name no candidates"

A2C_SPACE: Mapping[str, Any] = {
    "a2c.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "a2c.discount": [0, 0.5, 0.9, 0.99],  # down to 0, no future: best if later rewards do not depend on the present item
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
    """A method that learns by A2C in the simulator."""

    reads: tuple[type[Section], ...] = (A2CConfig, BeliefConfig)

    simulated: ClassVar[bool] = True
    by_request: ClassVar[bool] = True
    undivided: ClassVar[str] = ""

    def check(self, config: ExperimentConfig, dataset: Dataset) -> None:
        super().check(config, dataset)
        if config.policy.actor == "belief" and config.world_model.kind != "factors":
            raise InputError(
                f"config key 'policy.actor' is 'belief', but 'world_model.kind' is '{config.world_model.kind}'; expected "
                "'factors', whose users a belief is about"
            )

    def idle(self, key: str, config: ExperimentConfig) -> bool:
        # The actor on a belief has no network, no state tracker and no entropy term.
        networks = ("tracker.", "policy.", "a2c.entropy_weight", "a2c.tracker_learning_rate")
        return config.policy.actor == "belief" and key != "policy.actor" and key.startswith(networks)

    def scores_all(self, config: ExperimentConfig) -> str:
        if self.reward == "truth":
            return LEARNS_TRUTH
        if config.policy.actor == "belief":
            return "has an actor on a table of all items ('policy.actor')"
        return "follows the references, which score all items ('reference_quirks')" if config.reference_quirks else ""

    def most_cells(self, config: ExperimentConfig, n_items: int) -> float:
        # An actor that begins from a table of estimates needs the table, and so does one that learns from the truth.
        begins = config.policy.prior_weight and self.scored(config, n_items) == n_items
        tables = config.policy.actor == "belief" or begins or self.reward == "truth"
        return math.inf if tables else super().most_cells(config, n_items)

    def policy(self, parts: PolicyParts) -> Policy:
        if parts.config.policy.actor == "belief":
            users, _ = parts.indices()
            return believing_policy(parts, CorrectedTable(Certainty(users, len(parts.items)), factor_belief(parts)))
        config, generator = parts.config, parts.generator("weights")
        tracker = parts.tracker(generator)
        most_cells = self.most_cells(config, len(parts.items))
        candidates = None if self.scores_all(config) else candidates_of(parts, parts.rows(most_cells))
        prior = parts.prior(most_cells)
        return ActorCritic(config.policy, tracker, parts.categories, prior, generator, candidates).to(parts.device)

    def learner(self, parts: LearnerParts, policy: Policy) -> Learner:
        return self.recommender(parts, policy, parts.world.reward, parts.world.learned)

    def recommender(
        self, parts: LearnerParts, policy: Policy, reward: RewardSource, learned: Estimates
    ) -> RecommendingAgent[Any]:
        """The agent that learns `policy` in the simulator.

        Args:
            parts: the parts of the run.
            policy: is trained.
            reward: the reward that the simulator pays.
            learned: (n_users, n_items) the rewards to learn from, without penalties.
        """
        if not isinstance(policy, BayesAdaptivePolicy):
            return parts.a2c(policy, reward, learned)
        config, world = parts.config, parts.world
        simulator = world.simulator(config, reward, parts.ways, parts.lookback)
        rate = config.own(BeliefConfig).actor_learning_rate
        return BayesAdaptive(policy, simulator, None, world.n_users, config.a2c, rate, learned)

    def lookback(self, config: ExperimentConfig) -> int:
        windows = super().lookback(config)
        return max(windows, whole_episode(config)) if config.policy.actor == "belief" else windows

    def work(self, config: ExperimentConfig, items: int) -> Work:
        steps = config.training.steps_per_epoch
        return Work(self.step(config, items) * steps, steps, self.alike(config))

    def step(self, config: ExperimentConfig, items: int) -> float:
        """The seconds of a step of learning."""
        items = self.scored(config, items)
        return seconds_of_belief(items) if config.policy.actor == "belief" else seconds_of_step(config, items)

    def alike(self, config: ExperimentConfig) -> tuple[Any, ...]:
        """A key of the settings that determine the time of a step: runs with the same key take about the same time."""
        return (config.tracker, config.policy)
