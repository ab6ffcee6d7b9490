"""The methods whose policy acts on a belief about the user (docs/methods/bayes-adaptive.md)."""

from dataclasses import dataclass
from typing import ClassVar

from darlr.agents.believing.belief import Belief
from darlr.agents.believing.factors import FactorBelief
from darlr.agents.believing.learning import BayesAdaptive
from darlr.agents.believing.policy import BayesAdaptivePolicy
from darlr.agents.candidates import Candidates
from darlr.agents.learning import Learner
from darlr.agents.policy import Policy
from darlr.agents.settings import A2CConfig, BeliefConfig
from darlr.config.constraints import Section
from darlr.config.experiment import ExperimentConfig
from darlr.errors import RunError
from darlr.methods.candidates import candidates_of, whole_episode
from darlr.methods.cost import Work
from darlr.methods.method import Method
from darlr.methods.parts import LearnerParts, PolicyParts
from darlr.rewards.posterior import LargePosteriorReward, PosteriorReward
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.factors.responses import FactorResponses
from darlr.world_model.model import WorldModel

STEP, STEP_AND_ITEM = 1.4e-5, 1.1e-8
"""Seconds of a step of learning on one thread."""


@dataclass(frozen=True, kw_only=True)
class Believing(Method):
    """A policy of two parameters on an exact belief about the user."""

    reads: tuple[type[Section], ...] = (A2CConfig, BeliefConfig)

    simulated: ClassVar[bool] = True
    by_request: ClassVar[bool] = True
    undivided: ClassVar[str] = ""

    @property
    def baseline(self) -> bool:
        return False

    def scores_all(self, config: ExperimentConfig) -> str:
        return ""

    def policy(self, parts: PolicyParts) -> Policy:
        belief = factor_belief(parts)
        return believing_policy(parts, belief, candidates_of(parts, belief.expected_rows))

    def learner(self, parts: LearnerParts, policy: Policy) -> Learner:
        if not isinstance(policy, BayesAdaptivePolicy):
            raise TypeError(f"no belief is held by a {type(policy).__name__}")
        config, own = parts.config, parts.config.own(BeliefConfig)
        kind = PosteriorReward if policy.candidates is None else LargePosteriorReward
        posterior = kind(responses_of(parts.model, parts), own.noise_levels)
        simulator = parts.world.simulator(config, posterior, parts.ways, parts.lookback)
        return BayesAdaptive(
            policy, simulator, posterior, parts.world.n_users, config.a2c, own.actor_learning_rate, parts.world.learned
        )

    def lookback(self, config: ExperimentConfig) -> int:
        return whole_episode(config)

    def work(self, config: ExperimentConfig, items: int) -> Work:
        steps = config.training.steps_per_epoch
        return Work(seconds_of_belief(self.scored(config, items)) * steps, steps, (config.leave.max_steps,))


def believing_policy(parts: PolicyParts, belief: Belief, candidates: Candidates | None = None) -> BayesAdaptivePolicy:
    """Make the policy of two parameters that acts on `belief`; in episodes, it chooses among `candidates`."""
    config = parts.config
    window = config.leave.window if config.leave.by in ("category", "learned") else 0
    hidden, generator = config.own(BeliefConfig).critic_size, parts.generator("weights")
    steps = config.leave.max_steps
    policy = BayesAdaptivePolicy(belief, parts.categories, window, steps, parts.paid_range, hidden, generator, candidates)
    return policy.to(parts.device)


def factor_belief(parts: PolicyParts) -> FactorBelief:
    """Make the belief about the users of `parts` that follows from the log."""
    return FactorBelief(responses_of(parts.model, parts), parts.config.own(BeliefConfig).levels)


def seconds_of_belief(items: int) -> float:
    """Return the seconds of one step of learning in a world of `items` items."""
    return STEP + STEP_AND_ITEM * items


def responses_of(model: WorldModel, parts: PolicyParts | LearnerParts) -> FactorResponses:
    """Return the model's responses for the users and items of `parts`, in their order, clipped to the range of rewards."""
    if not isinstance(model, FactorModel):
        raise RunError(f"the world model is a {type(model).__name__}; expected one of the kind 'factors'")
    return model.responses.of(*parts.indices()).within(*parts.paid_range)
