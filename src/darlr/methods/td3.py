"""TD3, twin delayed deterministic policy gradient (Fujimoto, van Hoof and Meger, ICML 2018): DDPG with three changes.

    x'     = mu'(s') + noise, every coordinate of which is cut to -bound..bound
    y      = r + gamma^n min over both critics of Q'(s', v(g(x')))
    critics  mean((Q_1(s, v(a)) - y)^2) + mean((Q_2(s, v(a)) - y)^2)
    actor    mean(-Q_1(s, mu(s))), and the targets' step, every `delay` updates

v, g and mu are DDPG's (`darlr.methods.ddpg`): vectors of items, the item for a vector, the actor.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from darlr.agents.learning import EpochLog
from darlr.agents.offline.policy import Moments
from darlr.agents.replaying.learner import Updates
from darlr.agents.replaying.policy import ExploringPolicy
from darlr.agents.replaying.vectors import VectorPolicy
from darlr.agents.settings import ReplayConfig
from darlr.config.constraints import Section, Setting
from darlr.methods.ddpg import DDPG_SPACE, DDPGConfig, Deterministic, DeterministicUpdates
from darlr.methods.parts import LearnerParts


@dataclass(frozen=True)
class TD3Config(Section):
    """Settings of twin delayed deterministic policy gradients; the section `ddpg` has those that it shares with DDPG."""

    KEY: ClassVar[str] = "td3"

    target_noise: Annotated[float, Setting("standard deviation of the noise on a target's vector", at_least=0, at_most=1e6)] = (
        0.2
    )
    bound: Annotated[float, Setting("bound to which that noise is cut", at_least=0, at_most=1e6)] = 0.5
    delay: Annotated[int, Setting("number of updates of the critics for one of the actor", at_least=1, at_most=1_000_000)] = 2


class TwinUpdates(DeterministicUpdates):
    """DDPG's gradient steps with two critics, smoothed targets and a delayed actor."""

    def __init__(self, policy: VectorPolicy, critic_learning_rate: float, config: DDPGConfig, own: TD3Config) -> None:
        """
        Args:
            policy, critic_learning_rate, config: as for `DeterministicUpdates`.
            own: the settings that DDPG lacks.
        """
        super().__init__(policy, critic_learning_rate, config)
        self._own = own

    @torch.no_grad()
    def following(self, after: Moments, generator: torch.Generator) -> Tensor:
        """The values (B,) of the states `after`; the noise is drawn from `generator`."""
        states = self.target.states(after)
        vectors = self.target.acted(states)
        drawn = torch.randn(vectors.shape, generator=generator, device=vectors.device)
        noise = (self._own.target_noise * drawn).clamp(-self._own.bound, self._own.bound)
        return self.target.values(states, self.target.nearest(vectors + noise, after.blocking)).amin(dim=0)

    def follow_critic(self, now: Moments, log: EpochLog) -> None:
        if (self.updates - 1) % self._own.delay == 0:
            super().follow_critic(now, log)


@dataclass(frozen=True, kw_only=True)
class _TD3Method(Deterministic):
    reads: tuple[type[Section], ...] = (ReplayConfig, DDPGConfig, TD3Config)

    def updates(self, parts: LearnerParts, policy: ExploringPolicy) -> Updates:
        assert isinstance(policy, VectorPolicy)
        config = parts.config
        return TwinUpdates(policy, config.own(ReplayConfig).learning_rate, config.own(DDPGConfig), config.own(TD3Config))


TD3 = _TD3Method(
    name="td3",
    summary="DDPG with two critics, smoothed targets and a delayed actor",
    source="Fujimoto et al., ICML 2018",
    page="ddpg.md#td3",
    space={**DDPG_SPACE, "td3.target_noise": [0.05, 0.1, 0.2]},
    build=lambda config, tracker, n_items, generator: VectorPolicy(
        config.policy, tracker, n_items, 2, config.own(DDPGConfig).noise, generator
    ),
)
