"""REINFORCE (Williams, Machine Learning 8, 1992): each recommendation becomes more likely by the return that followed it.

    loss = mean(-log pi(a | s) (G - b)) - entropy_weight mean(H(pi(. | s)))
    G_t  = sum over k of discount^k r_(t+k)

b is a baseline: the mean of G over the collection's episodes that took the same step, or 0. It leaves the expected gradient
unchanged and reduces its variance. That matters here, because no reward is negative.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from darlr.agents.a2c import A2C, Transitions, ValuedRollout
from darlr.agents.actor_critic import entropies
from darlr.agents.policy import ActorCritic
from darlr.agents.settings import A2CConfig
from darlr.config.constraints import Section, Setting
from darlr.config.experiment import ExperimentConfig
from darlr.methods.method import NO_PENALTIES
from darlr.methods.on_policy import NO_REFERENCE, OnPolicy
from darlr.methods.simulated import A2C_SPACE
from darlr.rewards.estimates.interface import Estimates
from darlr.simulator.simulator import Simulator

Baseline = Literal["mean", "none"]


@dataclass(frozen=True)
class ReinforceConfig(Section):
    """Settings of REINFORCE; the section `a2c` has those that it shares with A2C."""

    KEY: ClassVar[str] = "reinforce"

    baseline: Annotated[Baseline, Setting("baseline of returns; mean: the collection's mean return from the same step on")] = (
        "mean"
    )


class Reinforce(A2C):
    """Learns the actor alone, from whole returns."""

    def __init__(
        self,
        policy: ActorCritic,
        simulator: Simulator,
        n_users: int,
        config: A2CConfig,
        baseline: Baseline,
        reward_table: Estimates | Tensor | None = None,
    ) -> None:
        """
        Args:
            policy, simulator, n_users, config, reward_table: as for `A2C`.
            baseline: b.
        """
        super().__init__(policy, simulator, n_users, config, reward_table)
        self._baseline = baseline

    def transitions(self, rollout: ValuedRollout, rewards: Tensor) -> Transitions:
        """The steps of a collection; their advantages are G - b, (n,)."""
        unvalued = replace(rollout, values=torch.zeros_like(rollout.values))
        steps = super().transitions(unvalued, rewards)
        if self._baseline == "none":
            return steps
        taken = rollout.episodes.taken.sum(dim=0).clamp_min(1)
        means = rollout.placed(steps.returns).sum(dim=0) / taken
        return replace(steps, advantages=steps.returns - means[rollout.visits.step])

    def loss(self, steps: Transitions) -> tuple[Tensor, dict[str, Tensor]]:
        logits, _ = self.masked(steps)
        return reinforce_loss(logits, steps.actions, steps.advantages, self.config.entropy_weight)


def reinforce_loss(
    logits: Tensor, actions: Tensor, advantages: Tensor, entropy_weight: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss to be minimised, and its unweighted terms by name; `entropy` is one of them only if it has a weight.

    Args:
        logits: (n, n_actions), -inf for blocked actions.
        actions: (n,) int64, the recommended items; never a blocked one.
        advantages: (n,) G - b.
        entropy_weight: weight of the entropy.
    """
    terms = {"policy": (F.cross_entropy(logits, actions, reduction="none") * advantages).mean()}
    if not entropy_weight:
        return terms["policy"], terms
    terms["entropy"] = entropies(logits).mean()
    return terms["policy"] - entropy_weight * terms["entropy"], terms


def _agent(policy: ActorCritic, simulator: Simulator, n_users: int, config: ExperimentConfig, learned: Estimates) -> Reinforce:
    return Reinforce(policy, simulator, n_users, config.a2c, config.own(ReinforceConfig).baseline, learned)


@dataclass(frozen=True, kw_only=True)
class _ReinforceMethod(OnPolicy):
    def idle(self, key: str, config: ExperimentConfig) -> bool:
        # There is no critic.
        critics = ("a2c.gae_lambda", "a2c.value_weight", "a2c.normalise_advantages")
        return key in critics or super().idle(key, config)


REINFORCE = _ReinforceMethod(
    name="reinforce",
    summary="whole returns, less their mean, without a critic",
    source="Williams, 1992",
    page="reinforce.md",
    fixed={**NO_PENALTIES, **NO_REFERENCE},
    space={**A2C_SPACE, "reinforce.baseline": ["mean", "none"]},
    reads=(A2CConfig, ReinforceConfig),
    agent=_agent,
)
