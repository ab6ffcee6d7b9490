"""PPO, proximal policy optimisation (Schulman et al., arXiv:1707.06347), on generalised advantages.

    ratio = pi(a | s) / pi_old(a | s)
    loss  = mean(-min(ratio A, clip(ratio, 1 - clip, 1 + clip) A)) + value_weight mean((V(s) - R)^2)
            - entropy_weight mean(H(pi(. | s)))

pi_old is the policy that played the collection. Several passes learn from one collection; the clipped ratio (Eq. 7) removes
the incentive to move far from pi_old.
"""

from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from darlr.agents.a2c import A2C, Transitions, ValuedRollout
from darlr.agents.actor_critic import standardised, with_critic
from darlr.agents.learning import EpochLog
from darlr.agents.policy import ActorCritic
from darlr.agents.settings import A2CConfig
from darlr.config.constraints import Section, Setting
from darlr.config.experiment import ExperimentConfig
from darlr.methods.method import NO_PENALTIES
from darlr.methods.on_policy import NO_REFERENCE, OnPolicy
from darlr.methods.simulated import A2C_SPACE
from darlr.rewards.estimates.interface import Estimates
from darlr.simulator.simulator import Simulator


@dataclass(frozen=True)
class PPOConfig(Section):
    """Settings of proximal policy optimisation; the section `a2c` has those that it shares with A2C."""

    KEY: ClassVar[str] = "ppo"

    clip: Annotated[float, Setting("epsilon, largest distance from 1 at which a ratio counts", above=0, below=1)] = 0.2
    passes: Annotated[int, Setting("number of passes over a collection", at_least=1, at_most=1_000)] = 4


@dataclass(frozen=True)
class ProximalTransitions(Transitions):
    """The steps of a collection, n in all.

    Attributes:
        log_probabilities: (n,) of the recommended items under the policy that played.
    """

    log_probabilities: Tensor


class PPO(A2C):
    """Passes several times over a collection, by the clipped loss."""

    def __init__(
        self,
        policy: ActorCritic,
        simulator: Simulator,
        n_users: int,
        config: A2CConfig,
        own: PPOConfig,
        reward_table: Estimates | Tensor | None = None,
    ) -> None:
        """
        Args:
            policy, simulator, n_users, config, reward_table: as for `A2C`.
            own: the settings that A2C lacks.
        """
        super().__init__(policy, simulator, n_users, config, reward_table)
        self._own = own

    def learn(self, rollout: ValuedRollout, rewards: Tensor, log: EpochLog, generator: torch.Generator) -> None:
        steps = self.transitions(rollout, rewards)
        for _ in range(self._own.passes):
            self.update(steps, log, generator)

    @torch.no_grad()
    def transitions(self, rollout: ValuedRollout, rewards: Tensor) -> ProximalTransitions:
        steps = super().transitions(rollout, rewards)
        values: dict[str, Any] = {field.name: getattr(steps, field.name) for field in fields(steps)}
        logits, _ = self.masked(steps)
        return ProximalTransitions(**values, log_probabilities=-F.cross_entropy(logits, steps.actions, reduction="none"))

    def loss(self, steps: Transitions) -> tuple[Tensor, dict[str, Tensor]]:
        assert isinstance(steps, ProximalTransitions)
        logits, values = self.masked(steps)
        return ppo_loss(
            logits,
            values,
            steps.actions,
            steps.log_probabilities,
            steps.advantages,
            steps.returns,
            self.config,
            self._own.clip,
        )


def ppo_loss(
    logits: Tensor,
    values: Tensor,
    actions: Tensor,
    old_log_probabilities: Tensor,
    advantages: Tensor,
    returns: Tensor,
    config: A2CConfig,
    clip: float,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss to be minimised, and its unweighted terms by name; `entropy` is one of them only if it has a weight.

    Args:
        logits: (n, n_actions), -inf for blocked actions.
        values: (n,) the critic's V(s).
        actions: (n,) int64, the recommended items; never a blocked one.
        old_log_probabilities: (n,) log pi_old(a | s).
        advantages: (n,) A; with `config.normalise_advantages` they are scaled to mean 0 and standard deviation 1.
        returns: (n,) R.
        config: the loss's weights.
        clip: epsilon.
    """
    if config.normalise_advantages:
        advantages = standardised(advantages)
    ratios = (-F.cross_entropy(logits, actions, reduction="none") - old_log_probabilities).exp()
    clipped = ratios.clamp(1 - clip, 1 + clip)
    policy = -torch.minimum(ratios * advantages, clipped * advantages).mean()
    return with_critic(policy, logits, values, returns, config)


def ppo_agent(policy: ActorCritic, simulator: Simulator, n_users: int, config: ExperimentConfig, learned: Estimates) -> PPO:
    """The agent that learns `policy` by PPO, for `OnPolicy`."""
    return PPO(policy, simulator, n_users, config.a2c, config.own(PPOConfig), learned)


@dataclass(frozen=True, kw_only=True)
class Proximal(OnPolicy):
    """Methods that learn by PPO, with the settings of Schulman et al."""

    reads: tuple[type[Section], ...] = (A2CConfig, PPOConfig)

    def step(self, config: ExperimentConfig, items: int) -> float:
        return super().step(config, items) * (1 + config.own(PPOConfig).passes) / 2


PPO_SETTINGS = {"a2c": {"gae_lambda": 0.95, "max_gradient_norm": 0.5, "normalise_advantages": True}}
PPO_SPACE = {**A2C_SPACE, "ppo.clip": [0.1, 0.2, 0.3], "ppo.passes": [2, 4, 8]}

PPO_METHOD = Proximal(
    name="ppo",
    summary="several passes over each collection, with clipped ratios",
    source="Schulman et al., 2017",
    page="ppo.md",
    fixed={**NO_PENALTIES, **NO_REFERENCE},
    published={"": PPO_SETTINGS},
    space=PPO_SPACE,
    agent=ppo_agent,
)
