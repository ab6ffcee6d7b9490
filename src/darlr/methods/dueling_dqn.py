"""Dueling DQN (Wang et al., ICML 2016): a state's value beside every item's advantage.

    Q(s, a) = V(s) + A(s, a) - mean over items of A(s, .)                              (their Eq. 9)
    loss    = huber(Q(s, a), r + gamma^n Q'(s', argmax over items of Q(s', .)))        (double DQN's)

A state's value is learned from every step in it, whichever item was recommended. The mean is over all items, blocked ones
included. It is a convention of the network that makes V and A unique, not an expectation.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import outputs_of
from darlr.agents.policy import Rows
from darlr.agents.settings import PolicyConfig
from darlr.methods.double_dqn import DoubleDQN
from darlr.methods.replaying import REPLAY_SPACE, Replaying


class DuelingDQN(DoubleDQN):
    """Double DQN with two streams."""

    def __init__(self, config: PolicyConfig, tracker: StateTracker, n_items: int, generator: torch.Generator) -> None:
        super().__init__(config, tracker, n_items, generator, {"state": 1, "advantage": n_items})

    def values(self, hidden: Tensor) -> Tensor:
        return dueling_values(self.heads["state"](hidden), self.heads["advantage"](hidden))

    def value_of(self, hidden: Tensor, items: Tensor) -> Tensor:
        # The head is linear, so the mean of all advantages is a linear function too: they need not be computed one by one.
        head = self.heads["advantage"]
        assert isinstance(head, nn.Linear)
        mean = F.linear(hidden, head.weight.mean(dim=0, keepdim=True), head.bias.mean(dim=0, keepdim=True))
        values: Tensor = self.heads["state"](hidden) + outputs_of(head, hidden, items) - mean
        return values.squeeze(1)

    def entity_rows(self) -> Mapping[str, Rows]:
        names = ("tracker.item_vectors", "heads.advantage.weight", "heads.advantage.bias")
        return {name: Rows("items") for name in names}


def dueling_values(state: Tensor, advantages: Tensor) -> Tensor:
    """Q (B, n_items) from a state's value (B, 1) and its items' advantages (B, n_items)."""
    return state + advantages - advantages.mean(dim=1, keepdim=True)


DUELING_DQN = Replaying(
    name="dueling-dqn",
    summary="double DQN on a state's value and its items' advantages",
    source="Wang et al., ICML 2016",
    page="dqn.md#dueling-dqn",
    space=REPLAY_SPACE,
    build=lambda config, tracker, n_items, generator: DuelingDQN(config.policy, tracker, n_items, generator),
)
