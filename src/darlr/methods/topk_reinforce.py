"""Top-K off-policy REINFORCE (Chen et al., WSDM 2019): a policy gradient from a log that another policy made.

    actor      -min(pi(a | s) / beta(a | s), cap) lambda_K(s, a) R log pi(a | s)        (sections 4.2 to 4.4)
    lambda_K   K (1 - pi(a | s))^(K - 1)                                                (section 4.3)
    R          r_t + gamma r_(t+1) + gamma^2 r_(t+2) + ... to the episode's end
    behaviour  -log beta(a | s)
    loss       actor + behaviour

beta is a head that learns the policy behind the log; its gradient stops before the layers that it shares with pi. The
factors before the actor's logarithm are constants for the gradient. The log's rewards are normalised to 0..1 by the range
that it declares. The worst answer therefore counts nothing, like an impression without a click in the paper.
"""

from dataclasses import dataclass
from math import e
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Batch, Moments, OfflinePolicy, without_blocked
from darlr.agents.settings import OfflineConfig, PolicyConfig
from darlr.config.constraints import Section, Setting
from darlr.methods.method import NO_PENALTIES
from darlr.methods.offline import RETURN_SPACE, TO_THE_END, Offline, offline_settings


@dataclass(frozen=True)
class TopKConfig(Section):
    """Settings of top-K off-policy REINFORCE."""

    KEY: ClassVar[str] = "topk"

    items: Annotated[int, Setting("K, assumed number of items shown at once", at_least=1, at_most=10_000)] = 16
    cap: Annotated[float, Setting("greatest importance weight; published: e^3", above=0, at_most=1e6)] = round(e**3, 4)


class TopKReinforce(OfflinePolicy):
    """An actor, and a head that learns the policy behind the log; the actor samples its recommendations."""

    deterministic = False
    normalised = True

    def __init__(
        self, config: PolicyConfig, tracker: StateTracker, n_items: int, settings: TopKConfig, generator: torch.Generator
    ) -> None:
        super().__init__(config, tracker, n_items, {"actor": n_items, "behaviour": n_items}, generator)
        self._settings = settings

    def scores(self, moments: Moments) -> Tensor:
        return without_blocked(self.heads["actor"](self.hidden(moments)), moments.blocking)

    def losses(self, batch: Batch, target: OfflinePolicy) -> tuple[Tensor, dict[str, Tensor]]:
        hidden, blocking = self.hidden(batch.now), batch.now.blocking
        parts = topk_losses(
            without_blocked(self.heads["actor"](hidden), blocking),
            without_blocked(self.heads["behaviour"](hidden.detach()), blocking),
            batch.items,
            batch.returns,
            self._settings,
        )
        return parts["actor"] + parts["behaviour"], parts


def topk_losses(scores: Tensor, behaviour: Tensor, items: Tensor, returns: Tensor, settings: TopKConfig) -> dict[str, Tensor]:
    """The terms of the loss.

    Args:
        scores, behaviour: (B, n_items) logits of pi and beta, -inf where blocked.
        items: (B,) the logged items, none of which is blocked.
        returns: (B,) R.
        settings: K and the cap.
    """
    log_policy = scores.log_softmax(dim=1).gather(1, items[:, None]).squeeze(1)
    log_behaviour = behaviour.log_softmax(dim=1).gather(1, items[:, None]).squeeze(1)
    with torch.no_grad():
        importance = (log_policy - log_behaviour).exp().clamp(max=settings.cap)
        top = settings.items * (1 - log_policy.exp()).pow(settings.items - 1)
    return {"actor": -(importance * top * returns * log_policy).mean(), "behaviour": -log_behaviour.mean()}


TOPK_REINFORCE = Offline(
    name="topk-reinforce",
    summary="policy gradient from the log, corrected for the policy behind it and for lists of K",
    source="Chen et al., WSDM 2019",
    page="topk-reinforce.md",
    fixed={"offline.n_step": TO_THE_END, **NO_PENALTIES},
    published=offline_settings({}),
    space={
        **RETURN_SPACE,
        "topk.items": [1, 4, 16],
        "topk.cap": {"low": 1, "high": 100, "log": True},
    },
    reads=(OfflineConfig, TopKConfig),
    kind=TopKReinforce,
    build=lambda kind, config, tracker, n_items, generator: kind(
        config.policy, tracker, n_items, config.own(TopKConfig), generator
    ),
)
