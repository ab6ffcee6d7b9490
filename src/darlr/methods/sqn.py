"""SQN, self-supervised Q-learning (Xin et al., SIGIR 2020): a Q head and a head that predicts the logged item.

    loss = huber(Q(s, a), r + gamma^n Q'(s', argmax Q(s', .))) + cross-entropy(imitation(s), a) + c mean(imitation(s)^2)

Q' is the target network. The policy recommends the item with the greatest Q, as in the reference code, or the likeliest
item of the imitation head, as in the paper. The other head serves to train the shared layers. The last term is from the
reference code (protocol section 8).
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Batch, Moments, OfflinePolicy, outputs_of, without_blocked
from darlr.agents.settings import OfflineConfig, PolicyConfig
from darlr.config.constraints import Section, Setting
from darlr.config.experiment import ExperimentConfig
from darlr.methods.offline import OFFLINE_SPACE, Offline, offline_settings

ActingHead = Literal["value", "imitation"]


@dataclass(frozen=True)
class SQNConfig(Section):
    """Settings of self-supervised Q-learning."""

    KEY: ClassVar[str] = "sqn"

    logit_penalty: Annotated[float, Setting("weight of the mean squared imitation logit", at_least=0, at_most=1e6)] = 0.01
    act_by: Annotated[ActingHead, Setting("the head that recommends; the paper: imitation, the supervised one")] = "value"


class SQN(OfflinePolicy):
    """Q-learning with a supervised head."""

    def __init__(
        self,
        config: PolicyConfig,
        tracker: StateTracker,
        n_items: int,
        logit_penalty: float,
        generator: torch.Generator,
        act_by: ActingHead = "value",
    ) -> None:
        """
        Args:
            config: sizes of the heads.
            tracker: encodes the state.
            n_items: number of items.
            logit_penalty: c.
            generator: draws the initial weights.
            act_by: the head that recommends; targets always use Q.
        """
        super().__init__(config, tracker, n_items, {"value": n_items, "imitation": n_items}, generator)
        self._logit_penalty, self._act_by = logit_penalty, act_by

    def scores(self, moments: Moments) -> Tensor:
        if self._act_by == "imitation":
            return without_blocked(self.heads["imitation"](self.hidden(moments)), moments.blocking)
        return self.target_scores(moments)

    def target_scores(self, moments: Moments) -> Tensor:
        """Return (B, n_items) scores that choose a target's best item, -inf where blocked."""
        return without_blocked(self.heads["value"](self.hidden(moments)), moments.blocking)

    def losses(self, batch: Batch, target: OfflinePolicy) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            best = self.target_scores(batch.after).argmax(dim=1)
            following = outputs_of(target.heads["value"], target.hidden(batch.after), best).squeeze(1)
        hidden = self.hidden(batch.now)
        parts = sqn_losses(
            outputs_of(self.heads["value"], hidden, batch.items).squeeze(1),
            self.heads["imitation"](hidden),
            batch.items,
            batch.returns + batch.discounts * following,
            batch.now.blocking,
        )
        return parts["value"] + parts["imitation"] + self._logit_penalty * parts["logits"], parts


def sqn_losses(values: Tensor, imitation: Tensor, items: Tensor, targets: Tensor, blocking: Tensor | None) -> dict[str, Tensor]:
    """Return the terms of the loss by name, unweighted (scalars).

    Args:
        values: (B,) values of the logged items.
        imitation: (B, n_items) logits.
        items: (B,) the logged items, none of which is blocked.
        targets: (B,) target values of the logged items.
        blocking: as in `Moments`; blocked items are left out of the imitation's softmax.
    """
    return {
        "value": F.smooth_l1_loss(values, targets),
        "imitation": F.cross_entropy(without_blocked(imitation, blocking), items),
        "logits": imitation.square().mean(),
    }


@dataclass(frozen=True, kw_only=True)
class _SQNMethod(Offline):
    def idle(self, key: str, config: ExperimentConfig) -> bool:
        # It changes the policy only through layers that both heads share.
        shared = config.policy.hidden_sizes or config.own(OfflineConfig).learn_tracker
        return key == "sqn.logit_penalty" and not shared


SQN_METHOD = _SQNMethod(
    name="sqn",
    summary="Q-learning on the log beside a head that predicts the logged item",
    source="Xin et al., SIGIR 2020",
    page="sqn.md",
    published=offline_settings({"policy": {"hidden_sizes": []}}),
    space={**OFFLINE_SPACE, "sqn.logit_penalty": {"low": 0.001, "high": 1, "log": True}},
    reads=(OfflineConfig, SQNConfig),
    kind=SQN,
    build=lambda kind, config, tracker, n_items, generator: kind(
        config.policy,
        tracker,
        n_items,
        config.own(SQNConfig).logit_penalty,
        generator,
        config.own(SQNConfig).act_by,
    ),
)
