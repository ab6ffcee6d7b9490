"""DQN, deep Q-learning (Mnih et al., Nature 518, 2015), on a replay of simulated steps.

    loss = huber(Q(s, a), r + gamma^n max over items of Q'(s', .))

Q' is the target network. huber is half the squared error up to 1, and goes on with the slope 1, as theirs does. What may not be
recommended in s' counts neither for the maximum nor in acting.
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
    """Recommends the item with the greatest Q."""

    def __init__(
        self,
        config: PolicyConfig,
        tracker: StateTracker,
        n_items: int,
        generator: torch.Generator,
        outputs: Mapping[str, int] | None = None,
    ) -> None:
        """Args: outputs: the linear heads by name, if they are others than Q's."""
        super().__init__(config, tracker, n_items, outputs or {"value": n_items}, generator)

    def values(self, hidden: Tensor) -> Tensor:
        """(B, n_items) Q for `hidden` (B, h)."""
        values: Tensor = self.heads["value"](hidden)
        return values

    def value_of(self, hidden: Tensor, items: Tensor) -> Tensor:
        """(B,) Q of `items` (B,), one a row of `hidden` (B, h)."""
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
        """(B,) what the states `after` are worth."""
        return target.scores(after).amax(dim=1)


def dqn_loss(values: Tensor, targets: Tensor) -> Tensor:
    """The loss of the `values` (B,) of the items that were recommended, for what they should be, `targets` (B,)."""
    return F.huber_loss(values, targets, delta=1.0)


DQN_METHOD = Replaying(
    name="dqn",
    summary="Q-learning on a replay of simulated steps",
    source="Mnih et al., Nature 2015",
    page="dqn.md",
    space=REPLAY_SPACE,
    build=lambda config, tracker, n_items, generator: DQN(config.policy, tracker, n_items, generator),
)
