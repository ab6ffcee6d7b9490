"""BC, behaviour cloning (Pomerleau, 1991): imitates the log; the simplest way to learn from it.

    loss = -log pi(a | s) + c mean(logits(s)^2)

No reward enters the loss, so the policy is as good as the one that made the log. The second term, whose weight c is 0 by
default, is d3rlpy's.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Batch, Moments, OfflinePolicy, without_blocked
from darlr.agents.settings import OfflineConfig, PolicyConfig
from darlr.config.constraints import Section, Setting
from darlr.config.experiment import ExperimentConfig
from darlr.methods.offline import OFFLINE_SPACE, Offline, offline_settings


@dataclass(frozen=True)
class BCConfig(Section):
    """Settings of behaviour cloning."""

    KEY: ClassVar[str] = "bc"

    logit_penalty: Annotated[float, Setting("weight of the mean squared logit", at_least=0, at_most=1e6)] = 0.0


class BC(OfflinePolicy):
    """An actor that imitates the log and samples its recommendations."""

    deterministic = False

    def __init__(
        self, config: PolicyConfig, tracker: StateTracker, n_items: int, logit_penalty: float, generator: torch.Generator
    ) -> None:
        """
        Args:
            config: the policy's settings.
            tracker: the state tracker.
            n_items: number of items.
            logit_penalty: c.
            generator: draws the initial weights.
        """
        super().__init__(config, tracker, n_items, {"actor": n_items}, generator)
        self._logit_penalty = logit_penalty

    def scores(self, moments: Moments) -> Tensor:
        return without_blocked(self.heads["actor"](self.hidden(moments)), moments.blocking)

    def losses(self, batch: Batch, target: OfflinePolicy) -> tuple[Tensor, dict[str, Tensor]]:
        logits = self.heads["actor"](self.hidden(batch.now))
        imitation = imitation_loss(logits, batch.items, batch.now.blocking)
        if not self._logit_penalty:
            return imitation, {"imitation": imitation}
        penalty = logits.square().mean()
        return imitation + self._logit_penalty * penalty, {"imitation": imitation, "logits": penalty}


def imitation_loss(logits: Tensor, items: Tensor, blocking: Tensor | None) -> Tensor:
    """The mean of -log pi(a | s).

    Args:
        logits: (B, n_items).
        items: (B,) the logged items, none of which is blocked.
        blocking: as in `Moments`; the policy need not learn to avoid blocked items.
    """
    return F.cross_entropy(without_blocked(logits, blocking), items)


@dataclass(frozen=True, kw_only=True)
class _BCMethod(Offline):
    def idle(self, key: str, config: ExperimentConfig) -> bool:
        # the loss has no reward and no target network
        return key in ("offline.discount", "offline.n_step", "offline.target_sync")


BC_METHOD = _BCMethod(
    name="bc",
    summary="imitation of the log, whatever was given for it",
    source="Pomerleau, Neural Computation 1991",
    page="bc.md",
    imitates=True,
    published=offline_settings({}),
    space={
        "offline.learning_rate": OFFLINE_SPACE["offline.learning_rate"],
        "bc.logit_penalty": [0.0, 0.001, 0.01, 0.1],
    },
    reads=(OfflineConfig, BCConfig),
    kind=BC,
    build=lambda kind, config, tracker, n_items, generator: kind(
        config.policy, tracker, n_items, config.own(BCConfig).logit_penalty, generator
    ),
)
