"""QR-DQN (Dabney et al., AAAI 2018): quantiles of every item's return instead of its mean.

    theta_i(s, a)  the quantile at the level tau_i = (i - 1/2) / N of the return of a, for i = 1..N
    Q(s, a)        mean over i of theta_i(s, a)
    target_j     = r + gamma^n theta'_j(s', argmax over items of Q(s', .))
    loss         = mean over i of the sum over j of |tau_i - [target_j < theta_i]| huber(target_j - theta_i)   (their Eq. 10)

theta' is the target network's. Items that are blocked in s' do not count for the argmax.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Batch, Moments, OfflinePolicy, outputs_of, without_blocked
from darlr.agents.replaying.policy import ExploringPolicy
from darlr.agents.settings import PolicyConfig, ReplayConfig
from darlr.config.constraints import Section, Setting
from darlr.methods.replaying import REPLAY_SPACE, Replaying


@dataclass(frozen=True)
class QRDQNConfig(Section):
    """Settings of quantile regression DQN."""

    KEY: ClassVar[str] = "qr_dqn"

    quantiles: Annotated[int, Setting("N, number of quantiles of an item's return", at_least=2, at_most=10_000)] = 50


class QRDQN(ExploringPolicy):
    """Recommends the item whose quantiles have the largest mean.

    The head is linear, so the mean of an item's quantiles is a linear function, too. All quantiles are only computed for
    one item a row, so that 8,000 items fit.
    """

    def __init__(
        self, config: PolicyConfig, tracker: StateTracker, n_items: int, quantiles: int, generator: torch.Generator
    ) -> None:
        """
        Args:
            config: the policy's settings.
            tracker: the state tracker.
            n_items: number of items.
            quantiles: N.
            generator: draws the initial weights.
        """
        super().__init__(config, tracker, n_items, {"quantiles": n_items * quantiles}, generator)
        self._quantiles = quantiles

    def scores(self, moments: Moments) -> Tensor:
        return without_blocked(quantile_means(self.heads["quantiles"], self._quantiles, self.hidden(moments)), moments.blocking)

    def losses(self, batch: Batch, target: OfflinePolicy) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            best = self.scores(batch.after).argmax(dim=1)
            following = outputs_of(target.heads["quantiles"], target.hidden(batch.after), best, self._quantiles)
            targets = batch.returns[:, None] + batch.discounts[:, None] * following
        quantiles = outputs_of(self.heads["quantiles"], self.hidden(batch.now), batch.items, self._quantiles)
        loss = quantile_loss(quantiles, targets)
        return loss, {"value": loss}


def quantile_means(head: nn.Module, count: int, hidden: Tensor) -> Tensor:
    """The means (B, n_items) of every item's outputs.

    Args:
        head: a linear head.
        count: number of outputs of an item.
        hidden: (B, h).
    """
    assert isinstance(head, nn.Linear)
    # A sum passes its gradient on as it is; a mean would divide every quantile's gradient.
    weight = head.weight.view(-1, count, head.in_features).sum(dim=1) / count
    return F.linear(hidden, weight, head.bias.view(-1, count).sum(dim=1) / count)


def quantile_loss(quantiles: Tensor, targets: Tensor) -> Tensor:
    """The quantile Huber loss (scalar) of `quantiles` (B, N), at the levels (i - 1/2) / N, against all of `targets` (B, N).

    It is summed over the target's quantiles, like in the references, and averaged over the others and the batch.
    """
    count = quantiles.shape[1]
    levels = (torch.arange(count, device=quantiles.device)[:, None] + 0.5) / count
    difference = quantiles[:, :, None] - targets[:, None, :]
    # Huber's loss of d is c (d - c / 2), where c is d cut to -1..1; its derivative is c. With the slope held constant, both
    # the loss and its gradient are right, and most of the work needs no graph.
    with torch.no_grad():
        cut = difference.clamp(-1, 1)
        slope = difference.sign().mul_(0.5 - levels).add_(0.5).mul_(cut)  # 1 - level above the target, level below it
    return torch.dot(slope.flatten(), (difference - cut / 2).flatten()) / quantiles.numel()


QR_DQN = Replaying(
    name="qr-dqn",
    summary="DQN on quantiles of the return",
    source="Dabney et al., AAAI 2018",
    page="dqn.md#qr-dqn",
    space={**REPLAY_SPACE, "qr_dqn.quantiles": [10, 20, 50, 100]},
    reads=(ReplayConfig, QRDQNConfig),
    build=lambda config, tracker, n_items, generator: QRDQN(
        config.policy, tracker, n_items, config.own(QRDQNConfig).quantiles, generator
    ),
)
