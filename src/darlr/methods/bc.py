"""BC, behaviour cloning (Pomerleau, 1991): recommend what the log does; the plainest way to learn from one.

    loss = -log pi(a | s) + c mean(logits(s)^2)

No reward enters, so the policy is as good as whatever chose the logged items. The second term, 0 as it is, is d3rlpy's.
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
    """Behaviour cloning."""

    KEY: ClassVar[str] = "bc"

    logit_penalty: Annotated[float, Setting("weight of the mean squared logit", at_least=0, at_most=1e6)] = 0.0


class BC(OfflinePolicy):
    """An actor that imitates the log, by sampling."""

    deterministic = False

    def __init__(
        self, config: PolicyConfig, tracker: StateTracker, n_items: int, logit_penalty: float, generator: torch.Generator
    ) -> None:
        """Args: logit_penalty: c."""
        super().__init__(config, tracker, n_items, {"actor": n_items}, generator)
        self._logit_penalty = logit_penalty

    def scores(self, moments: Moments) -> Tensor:
        return without_blocked(self.heads["actor"](self.hidden(moments)), moments.blocking)

    def losses(self, batch: Batch, target: OfflinePolicy) -> tuple[Tensor, dict[str, Tensor]]:
        parts = bc_losses(self.heads["actor"](self.hidden(batch.now)), batch.items, batch.now.blocking)
        return parts["imitation"] + self._logit_penalty * parts["logits"], parts


def bc_losses(logits: Tensor, items: Tensor, blocking: Tensor | None) -> dict[str, Tensor]:
    """The terms of the loss, unweighted.

    Args:
        logits: (B, n_items).
        items: (B,) the logged items, none of which is blocked.
        blocking: as in `Moments`: what could not be recommended, the policy need not avoid.
    """
    return {"imitation": F.cross_entropy(without_blocked(logits, blocking), items), "logits": logits.square().mean()}


@dataclass(frozen=True, kw_only=True)
class _BCMethod(Offline):
    def idle(self, key: str, config: ExperimentConfig) -> bool:
        return key in ("offline.discount", "offline.n_step", "offline.target_sync")  # nothing is paid and no target is met


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
