"""C51, categorical DQN (Bellemare, Dabney and Munos, ICML 2017): a distribution of every item's return over fixed values.

    p_i(s, a)  softmax over i of the network's outputs, for the atoms z_1 < ... < z_N, which lie Delta apart
    Q(s, a)    sum over i of z_i p_i(s, a)
    m_i        sum over j of (1 - |cut(r + gamma^n z_j) - z_i| / Delta)+ p'_j(s', argmax over items of Q(s', .))
    loss       -sum over i of m_i log p_i(s, a)

p' is the target network's. cut() limits a value to the range from the first to the last atom, and ()+ is 0 for negative
values (their Eq. 7). Items that are blocked in s' do not count for the argmax.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn

from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Batch, Moments, OfflinePolicy, outputs_of, without_blocked
from darlr.agents.replaying.learner import Updates
from darlr.agents.replaying.policy import ExploringPolicy
from darlr.agents.settings import PolicyConfig, ReplayConfig
from darlr.config.constraints import Section, Setting
from darlr.config.experiment import ExperimentConfig
from darlr.methods.parts import LearnerParts
from darlr.methods.replaying import REPLAY_SPACE, Replaying
from darlr.rewards.source import RewardSource

OUTPUTS_AT_ONCE = 1 << 13
"""Of a state, where all items' distributions are summed up: a batch of 256 states takes 8 MiB."""


@dataclass(frozen=True)
class C51Config(Section):
    """Settings of categorical DQN."""

    KEY: ClassVar[str] = "c51"

    atoms: Annotated[int, Setting("N, number of values of a return's distribution", at_least=2, at_most=10_000)] = 51


class C51(ExploringPolicy):
    """Recommends the item with the largest expected return.

    The distributions of all items are only needed without gradients. They are computed for a part of the items at a time,
    so that thousands of items fit.

    Attributes:
        support: (2,) float32, the first and the last atom.
    """

    support: Tensor

    def __init__(
        self, config: PolicyConfig, tracker: StateTracker, n_items: int, atoms: int, generator: torch.Generator
    ) -> None:
        """
        Args:
            config: the policy's settings.
            tracker: the state tracker.
            n_items: number of items.
            atoms: N.
            generator: draws the initial weights.
        """
        super().__init__(config, tracker, n_items, {"atoms": n_items * atoms}, generator)
        self._count = atoms
        self.register_buffer("support", torch.tensor([0.0, 1.0]))

    @property
    def atoms(self) -> Tensor:
        """The atoms z, (N,)."""
        first, last = self.support.unbind()
        return first + (last - first) * torch.arange(self._count, device=self.support.device) / (self._count - 1)

    @torch.no_grad()
    def scores(self, moments: Moments) -> Tensor:
        hidden, head, atoms = self.hidden(moments), self.heads["atoms"], self.atoms
        assert isinstance(head, nn.Linear)
        weights, biases = head.weight.view(self.n_items, self._count, -1), head.bias.view(self.n_items, self._count)
        size = max(1, OUTPUTS_AT_ONCE // self._count)
        values = []
        for own_weights, own_biases in zip(torch.split(weights, size), torch.split(biases, size), strict=True):
            logits = torch.addmm(own_biases.flatten(), hidden, own_weights.flatten(0, 1).T)
            # len() would fix the batch of an exported graph
            values.append(logits.view(hidden.shape[0], -1, self._count).softmax(dim=2) @ atoms)
        return without_blocked(torch.cat(values, dim=1), moments.blocking)

    def logits_of(self, hidden: Tensor, items: Tensor) -> Tensor:
        """The logits (B, N) of the distribution of `items` (B,), one a row of `hidden` (B, h)."""
        return outputs_of(self.heads["atoms"], hidden, items, self._count)

    def losses(self, batch: Batch, target: OfflinePolicy) -> tuple[Tensor, dict[str, Tensor]]:
        assert isinstance(target, C51)
        with torch.no_grad():
            best = self.scores(batch.after).argmax(dim=1)
            following = target.logits_of(target.hidden(batch.after), best).softmax(dim=1)
            masses = projected(following, batch.returns, batch.discounts, self.atoms)
        loss = c51_loss(self.logits_of(self.hidden(batch.now), batch.items), masses)
        return loss, {"value": loss}


def projected(chances: Tensor, returns: Tensor, discounts: Tensor, atoms: Tensor) -> Tensor:
    """m (B, N): the next state's distribution, moved by the returns and projected on the atoms.

    Args:
        chances: (B, N) p' of the next state.
        returns, discounts: (B,) as in `Batch`.
        atoms: (N,) z.
    """
    moved = (returns[:, None] + discounts[:, None] * atoms).clamp(atoms[0], atoms[-1])
    shares = (1 - (moved[:, None, :] - atoms[:, None]).abs() / (atoms[1] - atoms[0])).clamp_min(0.0)
    return (shares * chances[:, None, :]).sum(dim=2)


def c51_loss(logits: Tensor, masses: Tensor) -> Tensor:
    """The cross-entropy (scalar) between the target distributions `masses` (B, N) and those with `logits` (B, N)."""
    return -(masses * logits.log_softmax(dim=1)).sum(dim=1).mean()


def support_of(reward: RewardSource, discount: float, steps: int) -> tuple[float, float]:
    """The smallest and the largest discounted return of an episode of at most `steps` steps, by the bounds of the reward."""
    longest = sum(discount**step for step in range(steps))
    return min(reward.low, reward.low * longest), max(reward.high, reward.high * longest)


@dataclass(frozen=True, kw_only=True)
class _C51Method(Replaying):
    reads: tuple[type[Section], ...] = (ReplayConfig, C51Config)

    def updates(self, parts: LearnerParts, policy: ExploringPolicy) -> Updates:
        assert isinstance(policy, C51)
        discount, steps = parts.config.own(ReplayConfig).discount, parts.config.leave.max_steps
        policy.support.copy_(torch.tensor(support_of(parts.world.reward, discount, steps)))
        return super().updates(parts, policy)

    def outputs(self, config: ExperimentConfig) -> int:
        # All items' distributions are computed without gradients, which takes about a quarter of the time (18 ms an update).
        return max(1, config.own(C51Config).atoms // 4)


C51_METHOD = _C51Method(
    name="c51",
    summary="DQN on a distribution of the return over fixed values",
    source="Bellemare et al., ICML 2017",
    page="dqn.md#c51",
    space={**REPLAY_SPACE, "c51.atoms": [11, 21, 51]},
    build=lambda config, tracker, n_items, generator: C51(
        config.policy, tracker, n_items, config.own(C51Config).atoms, generator
    ),
)
