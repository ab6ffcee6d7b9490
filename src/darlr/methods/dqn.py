"""DQN, deep Q-learning (Mnih et al., Nature 518, 2015), on a replay of simulated steps.

    loss = huber(Q(s, a), r + gamma^n max over items of Q'(s', .))

Q' is the target network. huber is half the squared error up to 1, and continues with the slope 1, as in the paper. Items
that are blocked in s' count neither for the maximum nor in acting.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Batch, Moments, OfflinePolicy, outputs_of, without_blocked
from darlr.agents.replaying.policy import ExploringPolicy
from darlr.agents.settings import PolicyConfig
from darlr.methods.replaying import REPLAY_SPACE, Replaying


class DQN(ExploringPolicy):
    """Recommends the item with the largest Q."""

    def __init__(
        self,
        config: PolicyConfig,
        tracker: StateTracker,
        n_items: int,
        generator: torch.Generator,
        outputs: Mapping[str, int] | None = None,
    ) -> None:
        """
        Args:
            config: the policy's settings.
            tracker: the state tracker.
            n_items: number of items.
            generator: draws the initial weights.
            outputs: the linear heads by name; None for the head of Q.
        """
        super().__init__(config, tracker, n_items, outputs or {"value": n_items}, generator)

    def values(self, hidden: Tensor) -> Tensor:
        """Q for `hidden` (B, h), (B, n_items)."""
        values: Tensor = self.heads["value"](hidden)
        return values

    def value_of(self, hidden: Tensor, items: Tensor) -> Tensor:
        """Q of `items` (B,), one a row of `hidden` (B, h), (B,)."""
        return outputs_of(self.heads["value"], hidden, items).squeeze(1)

    def scores(self, moments: Moments) -> Tensor:
        return without_blocked(self.values(self.hidden(moments)), moments.blocking)

    def losses(self, batch: Batch, target: OfflinePolicy) -> tuple[Tensor, dict[str, Tensor]]:
        assert isinstance(target, DQN)
        with torch.no_grad():
            targets = batch.returns + batch.discounts * self.following(batch.after, target)
        loss = dqn_loss(self.value_of(self.hidden(batch.now), batch.items), targets)
        return loss, {"value": loss}

    def following(self, after: Moments, target: "DQN") -> Tensor:
        """The values (B,) of the states `after`."""
        return target.scores(after).amax(dim=1)


def dqn_loss(values: Tensor, targets: Tensor) -> Tensor:
    """The Huber loss (scalar) of the recommended items' `values` (B,) against `targets` (B,)."""
    return F.huber_loss(values, targets, delta=1.0)


DQN_METHOD = Replaying(
    name="dqn",
    summary="Q-learning on a replay of simulated steps",
    source="Mnih et al., Nature 2015",
    page="dqn.md",
    space=REPLAY_SPACE,
    build=lambda config, tracker, n_items, generator: DQN(config.policy, tracker, n_items, generator),
)
