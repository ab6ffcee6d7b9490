"""BCQ, batch-constrained Q-learning for discrete actions (Fujimoto et al., 2019): Q chooses among the log's likely actions.

The loss is SQN's. The policy differs, both in acting and in the target's argmax. An item is eligible if the imitation head
gives it at least tau times the probability of the likeliest item; the eligible item with the greatest Q wins. Blocked items
are never the likeliest, so at least one item is always eligible.
"""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from darlr.agents.acting import behind
from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Moments, without_blocked
from darlr.agents.settings import OfflineConfig, PolicyConfig
from darlr.config.constraints import Section, Setting
from darlr.methods.offline import OFFLINE_SPACE, Offline, offline_settings
from darlr.methods.sqn import SQN


@dataclass(frozen=True)
class BCQConfig(Section):
    """Settings of batch-constrained Q-learning."""

    KEY: ClassVar[str] = "bcq"

    logit_penalty: Annotated[float, Setting("weight of the mean squared imitation logit", at_least=0, at_most=1e6)] = 0.01
    threshold: Annotated[
        float,
        Setting("tau: least probability of an eligible item, relative to the likeliest one", at_least=0, at_most=1),
    ] = 0.6


class BCQ(SQN):
    """Q-learning constrained to items that the log makes likely."""

    def __init__(
        self,
        config: PolicyConfig,
        tracker: StateTracker,
        n_items: int,
        logit_penalty: float,
        threshold: float,
        generator: torch.Generator,
    ) -> None:
        """
        Args:
            config, tracker, n_items, logit_penalty, generator: as in `SQN`.
            threshold: tau; at 0 every item is eligible.
        """
        super().__init__(config, tracker, n_items, logit_penalty, generator)
        self._threshold = threshold

    def target_scores(self, moments: Moments) -> Tensor:
        """Return (B, n_items) scores that choose a target's best item."""
        hidden = self.hidden(moments)
        return self.preferences(self.heads["value"](hidden), self.heads["imitation"](hidden), moments.blocking)

    def preferences(self, values: Tensor, imitation: Tensor, blocking: Tensor | None) -> Tensor:
        """Return (B, n_items) scores that order items with the given `values` and `imitation` logits, (B, n_items) each."""
        likely = likely_items(without_blocked(imitation, blocking), self._threshold)
        return without_blocked(behind(values, ~likely), blocking)


def likely_items(logits: Tensor, threshold: float) -> Tensor:
    """Return (B, n) bool: whether the softmax of `logits` (B, n) is at least `threshold` times the greatest of its row."""
    lowest = math.log(threshold) if threshold else float("-inf")
    return logits - logits.amax(dim=1, keepdim=True) >= lowest


BCQ_METHOD = Offline(
    name="bcq",
    summary="Q-learning on the log, choosing among the items that the log finds likely",
    source="Fujimoto et al., 2019",
    page="bcq.md",
    published=offline_settings({}),
    space={
        **OFFLINE_SPACE,
        "bcq.logit_penalty": {"low": 0.001, "high": 1, "log": True},
        "bcq.threshold": {"low": 0.1, "high": 0.9},
    },
    reads=(OfflineConfig, BCQConfig),
    kind=BCQ,
    build=lambda kind, config, tracker, n_items, generator: kind(
        config.policy,
        tracker,
        n_items,
        config.own(BCQConfig).logit_penalty,
        config.own(BCQConfig).threshold,
        generator,
    ),
)
