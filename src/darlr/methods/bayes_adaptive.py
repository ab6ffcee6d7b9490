"""bayes-adaptive: estimates that learn from the user (docs/methods/bayes-adaptive.md).

The agent is in `darlr.agents.bayes_adaptive`, the belief in `darlr.agents.belief`.
"""

from dataclasses import dataclass
from typing import ClassVar

from darlr.agents.bayes_adaptive import BayesAdaptive, BayesAdaptivePolicy
from darlr.agents.belief import Belief, FactorBelief
from darlr.agents.learning import Learner
from darlr.agents.policy import Policy
from darlr.agents.settings import A2CConfig, BeliefConfig
from darlr.config.constraints import Section
from darlr.config.experiment import ExperimentConfig
from darlr.errors import RunError
from darlr.methods.cost import Work
from darlr.methods.method import NO_PENALTIES, Method, Settings
from darlr.methods.parts import LearnerParts, PolicyParts
from darlr.rewards.kinds import OBSERVED
from darlr.rewards.posterior import PosteriorReward
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.factors.responses import FactorResponses
from darlr.world_model.model import WorldModel

STEPS_OF_NX_10 = 10
STEP, STEP_AND_ITEM = 1.4e-5, 1.1e-8
"""Seconds of a step of learning on one thread."""


@dataclass(frozen=True, kw_only=True)
class Believing(Method):
    """A policy of two parameters on an exact belief about the user."""

    reads: tuple[type[Section], ...] = (A2CConfig, BeliefConfig)

    simulated: ClassVar[bool] = True

    def policy(self, parts: PolicyParts) -> Policy:
        config, own = parts.config, parts.config.own(BeliefConfig)
        window = config.leave.window if config.leave.by == "category" else 0
        generator = parts.generator("weights")
        policy = BayesAdaptivePolicy(
            self.belief(parts), parts.categories, window, config.leave.max_steps, parts.paid_range, own.critic_size, generator
        )
        return policy.to(parts.device)

    def belief(self, parts: PolicyParts) -> Belief:
        """What is known of the users of `parts` before their episodes."""
        return FactorBelief(responses_of(parts.model, parts), parts.config.own(BeliefConfig).levels)

    def learner(self, parts: LearnerParts, policy: Policy) -> Learner:
        if not isinstance(policy, BayesAdaptivePolicy):
            raise TypeError(f"no belief is held by a {type(policy).__name__}")
        config, own = parts.config, parts.config.own(BeliefConfig)
        posterior = PosteriorReward(responses_of(parts.model, parts), own.noise_levels)
        simulator = parts.world.simulator(config, posterior, parts.ways, parts.lookback)
        return BayesAdaptive(
            policy, simulator, posterior, parts.world.n_users, config.a2c, own.actor_learning_rate, parts.world.learned
        )

    def lookback(self, config: ExperimentConfig) -> int:
        """A belief reads the whole episode."""
        return max(config.leave.max_steps, STEPS_OF_NX_10)

    def work(self, config: ExperimentConfig, items: int) -> Work:
        steps = config.training.steps_per_epoch
        return Work((STEP + STEP_AND_ITEM * items) * steps, steps, (config.leave.max_steps,))


def responses_of(model: WorldModel, parts: PolicyParts | LearnerParts) -> FactorResponses:
    """The model's responses for the users and items of `parts`, in their order and within the range that users pay."""
    if not isinstance(model, FactorModel):
        raise RunError(f"the world model is a {type(model).__name__}; expected one of the kind 'factors'")
    return model.responses.of(*parts.indices()).within(*parts.paid_range)


SCHEDULE: Settings = {
    "a2c": {"learning_rate": 0.03, "discount": 1.0, "gae_lambda": 0.95, "normalise_advantages": True},
    "training": {"epochs": 3, "steps_per_epoch": 60_000, "environments": 200},
}

BAYES_ADAPTIVE = Believing(
    name="bayes-adaptive",
    summary="a belief about the user that every answer refines, and a policy of two parameters on it",
    source="ours",
    page="bayes-adaptive.md",
    fixed={"world_model.kind": "factors", "reward.kind": OBSERVED.name, **NO_PENALTIES},
    published={"": SCHEDULE},
    space={
        "belief.actor_learning_rate": {"low": 0.01, "high": 0.3, "log": True},
        "a2c.learning_rate": {"low": 0.003, "high": 0.1, "log": True},
        "a2c.discount": [0.9, 0.99, 1],
    },
)
