"""BCQ, batch-constrained Q-learning for discrete actions (Fujimoto et al., 2019): Q chooses among what the log would do.

The loss is SQN's. What differs is the policy, in acting and in the target's argmax: an item comes into question if the
imitation head finds it at least tau times as likely as the likeliest one, and among those the greatest Q wins. Blocked items
are neither likely nor the likeliest, so something always comes into question.
"""

import math

import torch
from torch import Tensor

from darlr.agents.acting import behind
from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Moments, without_blocked
from darlr.agents.offline.sqn import SQN
from darlr.config.schema import PolicyConfig


class BCQ(SQN):
    """Q-learning constrained to likely items."""

    def __init__(
        self,
        config: PolicyConfig,
        tracker: StateTracker,
        n_items: int,
        logit_penalty: float,
        threshold: float,
        generator: torch.Generator,
    ) -> None:
        """Args: threshold: tau; 0 finds every item likely."""
        super().__init__(config, tracker, n_items, logit_penalty, generator)
        self._threshold = threshold

    def target_scores(self, moments: Moments) -> Tensor:
        hidden = self.hidden(moments)
        return self.preferences(self.heads["value"](hidden), self.heads["imitation"](hidden), moments.blocking)

    def preferences(self, values: Tensor, imitation: Tensor, blocking: Tensor | None) -> Tensor:
        """(B, n_items) how items are ordered that have `values` and `imitation` logits, (B, n_items) each."""
        likely = likely_items(without_blocked(imitation, blocking), self._threshold)
        return without_blocked(behind(values, ~likely), blocking)


def likely_items(logits: Tensor, threshold: float) -> Tensor:
    """(B, n) bool: whose probability, softmax of `logits` (B, n), is at least `threshold` times the greatest of the row."""
    lowest = math.log(threshold) if threshold else float("-inf")
    return logits - logits.amax(dim=1, keepdim=True) >= lowest
