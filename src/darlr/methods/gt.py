"""GT: learning from the true rewards, which gives the best result that a training loop can reach.

`gt` uses A2C, as published (DARLR, Tables 2 and 3). `gt-adaptive` uses the actor of `bayes-adaptive`, and shows its limit.
"""

from dataclasses import dataclass
from typing import ClassVar

from darlr.agents.believing.learning import BayesAdaptive
from darlr.agents.believing.policy import BayesAdaptivePolicy
from darlr.agents.believing.tables import Certainty, standardised
from darlr.agents.learning import Learner
from darlr.agents.policy import Policy
from darlr.agents.settings import BeliefConfig
from darlr.config.experiment import ExperimentConfig
from darlr.methods.bayes_adaptive import SCHEDULE
from darlr.methods.believing import Believing, believing_policy
from darlr.methods.method import NO_PENALTIES
from darlr.methods.parts import LearnerParts, PolicyParts
from darlr.methods.simulated import LEARNS_TRUTH, Simulated
from darlr.rewards.kinds import OBSERVED

GT = Simulated(
    name="gt",
    summary="A2C on the true rewards: what the training loop can reach at best",
    source="DARLR, Tables 2 and 3",
    page="gt.md",
    reward="truth",
    fixed=NO_PENALTIES,
)


@dataclass(frozen=True, kw_only=True)
class Certain(Believing):
    """A policy of two parameters that knows its users' true rewards."""

    by_request: ClassVar[bool] = False

    def scores_all(self, config: ExperimentConfig) -> str:
        return LEARNS_TRUTH

    def policy(self, parts: PolicyParts) -> Policy:
        users, _ = parts.indices()
        return believing_policy(parts, Certainty(users, len(parts.items)))

    def learner(self, parts: LearnerParts, policy: Policy) -> Learner:
        if not isinstance(policy, BayesAdaptivePolicy) or not isinstance(policy.belief, Certainty):
            raise TypeError(f"no table is known by a {type(policy).__name__}")
        config, learned = parts.config, parts.world.learned
        policy.belief.learn(standardised(learned.table()))
        simulator = parts.world.simulator(config, parts.world.reward, parts.ways, parts.lookback)
        rate = config.own(BeliefConfig).actor_learning_rate
        return BayesAdaptive(policy, simulator, None, parts.world.n_users, config.a2c, rate, learned)


GT_ADAPTIVE = Certain(
    name="gt-adaptive",
    summary="the actor of bayes-adaptive on the true rewards: what it can reach at best",
    source="ours",
    page="gt.md#gt-adaptive",
    reward="truth",
    fixed={"reward.kind": OBSERVED.name, **NO_PENALTIES},
    published={"": {"world_model": {"kind": "factors"}, **SCHEDULE}},
)
