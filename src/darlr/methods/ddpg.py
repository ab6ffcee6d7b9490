"""DDPG, deep deterministic policy gradient (Lillicrap et al., ICLR 2016). Its actions are vectors that stand for items.

    v(a)     the vector of an item, of length 1;  g(x)  the item with the greatest inner product with x, of those not blocked
    mu(s)    the actor's vector;  g(mu(s)) is recommended, while learning g(mu(s) + noise)
    y      = r + gamma^n Q'(s', v(g(mu'(s'))))
    critic   mean((Q(s, v(a)) - y)^2)
    actor    mean(-Q(s, mu(s)))
    target   theta' <- tau theta + (1 - tau) theta', after every update

Q' and mu' are the target networks. The state tracker learns from the critic's loss alone.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from darlr.agents.learning import EpochLog
from darlr.agents.offline.policy import Batch, Moments
from darlr.agents.offline.updates import WithTarget
from darlr.agents.replaying.learner import Updates
from darlr.agents.replaying.policy import ExploringPolicy
from darlr.agents.replaying.vectors import VectorPolicy
from darlr.agents.settings import ReplayConfig
from darlr.config.constraints import SINGLE, Section, Setting
from darlr.config.experiment import ExperimentConfig
from darlr.methods.parts import LearnerParts
from darlr.methods.replaying import REPLAY_SPACE, Replaying


@dataclass(frozen=True)
class DDPGConfig(Section):
    """Settings of deterministic policy gradients (DDPG, TD3)."""

    KEY: ClassVar[str] = "ddpg"

    actor_learning_rate: Annotated[float, Setting("step size of Adam for the actor", above=0, at_most=SINGLE)] = 1e-4
    tau: Annotated[float, Setting("share of the new parameters in the target networks at every update", above=0, at_most=1)] = (
        0.005
    )
    noise: Annotated[
        float,
        Setting("standard deviation of the noise on every coordinate of the vector while learning", at_least=0, at_most=1e6),
    ] = 0.1


class DeterministicUpdates(WithTarget[VectorPolicy]):
    """Gradient steps on the critics and the actor of a `VectorPolicy`; the target networks follow slowly."""

    def __init__(self, policy: VectorPolicy, critic_learning_rate: float, config: DDPGConfig) -> None:
        """
        Args:
            policy: is trained.
            critic_learning_rate: of the critics and the state tracker.
            config: the actor's learning rate and tau.
        """
        self._config = config
        self._actor = [*policy.trunk.parameters(), *policy.heads.parameters()]
        others = [*policy.tracker.parameters(), *policy.critics.parameters()]
        optimiser = torch.optim.Adam(
            [
                {"params": others, "lr": critic_learning_rate},
                {"params": self._actor, "lr": config.actor_learning_rate},
            ],
            fused=True,
        )
        super().__init__(policy, optimiser)

    def descend(self, batch: Batch, log: EpochLog, generator: torch.Generator) -> None:
        """Take one gradient step of the critics and one of the actor, and move the target networks."""
        self.updates += 1
        self.optimiser.zero_grad(set_to_none=True)
        states = self.policy.states(batch.now)
        targets = batch.returns + batch.discounts * self.following(batch.after, generator)
        critic = critic_loss(self.policy.values(states, self.policy.vectors[batch.items]), targets)
        critic.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        log.add("loss/critic", critic)
        self.follow_critic(batch.now, log)

    @torch.no_grad()
    def following(self, after: Moments, generator: torch.Generator) -> Tensor:
        """The values (B,) of the states `after`; nothing is drawn."""
        states = self.target.states(after)
        return self.target.values(states, self.target.nearest(self.target.acted(states), after.blocking))[0]

    def follow_critic(self, now: Moments, log: EpochLog) -> None:
        """Take one gradient step of the actor, and move the target networks."""
        with torch.no_grad():
            states = self.policy.states(now)
        actor = -self.policy.values(states, self.policy.acted(states))[0].mean()
        self.optimiser.zero_grad(set_to_none=True)
        for parameter, gradient in zip(self._actor, torch.autograd.grad(actor, self._actor), strict=True):
            parameter.grad = gradient  # the critic is part of the loss, and is not changed
        self.optimiser.step()
        log.add("loss/actor", actor)
        with torch.no_grad():
            for own, slow in zip(self.policy.parameters(), self.target.parameters(), strict=True):
                slow.lerp_(own, self._config.tau)


def critic_loss(values: Tensor, targets: Tensor) -> Tensor:
    """The mean squared error of the critics' `values` (critics, B) from `targets` (B,), summed over critics (scalar)."""
    return (values - targets).square().mean(dim=1).sum()


@dataclass(frozen=True, kw_only=True)
class Deterministic(Replaying):
    """Methods with an actor that outputs a vector."""

    reads: tuple[type[Section], ...] = (ReplayConfig, DDPGConfig)

    def idle(self, key: str, config: ExperimentConfig) -> bool:
        return key == "replay.target_sync"  # the target networks follow at every update

    def updates(self, parts: LearnerParts, policy: ExploringPolicy) -> Updates:
        assert isinstance(policy, VectorPolicy)
        return DeterministicUpdates(policy, parts.config.own(ReplayConfig).learning_rate, parts.config.own(DDPGConfig))


DDPG_SPACE = {
    **REPLAY_SPACE,
    "ddpg.actor_learning_rate": {"low": 1e-5, "high": 1e-2, "log": True},
    "ddpg.noise": [0.05, 0.1, 0.2],
}
DDPG = Deterministic(
    name="ddpg",
    summary="an actor gives a vector, which stands for the item by inner product; a critic values both",
    source="Lillicrap et al., ICLR 2016",
    page="ddpg.md",
    space=DDPG_SPACE,
    build=lambda config, tracker, n_items, generator: VectorPolicy(
        config.policy, tracker, n_items, 1, config.own(DDPGConfig).noise, generator
    ),
)
