"""CRR, critic-regularised regression (Wang et al., NeurIPS 2020): imitate logged steps, weighted by the critic's advantage.

    actor   -log pi(a | s) f(A),  A = Q(s, a) - sum over items of pi Q(s, .)
    critic  1/2 (Q(s, a) - r - gamma^n sum over items of pi'(. | s') Q'(s', .))^2
    loss    actor + critic + alpha (log sum over items of exp Q(s, .) - Q(s, a))

The weight f is exp(A / beta), at most `bound`; or 1 where A > 0; or 1 (plain imitation). The gradient treats f(A) as a
constant, as in the paper. The third term is CQL's, which the reference code adds. pi never recommends a blocked item.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Batch, Moments, OfflinePolicy, without_blocked
from darlr.agents.settings import OfflineConfig, PolicyConfig
from darlr.config.constraints import Section, Setting
from darlr.methods.cql import conservative_loss
from darlr.methods.method import NO_PENALTIES
from darlr.methods.offline import OFFLINE_SPACE, Offline, offline_settings


@dataclass(frozen=True)
class CRRConfig(Section):
    """Settings of critic-regularised regression."""

    KEY: ClassVar[str] = "crr"

    weighting: Annotated[
        Literal["exp", "binary", "none"], Setting("weight of a logged step by its advantage; none: plain imitation")
    ] = "exp"
    beta: Annotated[float, Setting("temperature of 'exp'", above=0, at_most=1e6)] = 1.0
    bound: Annotated[float, Setting("greatest weight of 'exp'", above=0, at_most=1e6)] = 20.0
    min_q_weight: Annotated[float, Setting("alpha, weight of the conservative term", at_least=0, at_most=1e6)] = 10.0


class CRR(OfflinePolicy):
    """An actor and a critic; the actor recommends, by sampling."""

    deterministic = False

    def __init__(
        self, config: PolicyConfig, tracker: StateTracker, n_items: int, settings: CRRConfig, generator: torch.Generator
    ) -> None:
        super().__init__(config, tracker, n_items, {"actor": n_items, "critic": n_items}, generator)
        self._settings = settings

    def scores(self, moments: Moments) -> Tensor:
        return without_blocked(self.heads["actor"](self.hidden(moments)), moments.blocking)

    def losses(self, batch: Batch, target: OfflinePolicy) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            after = target.hidden(batch.after)
            chances = without_blocked(target.heads["actor"](after), batch.after.blocking).softmax(dim=1)
            following = (chances * target.heads["critic"](after)).sum(dim=1)
        hidden = self.hidden(batch.now)
        parts = crr_losses(
            self.heads["actor"](hidden),
            self.heads["critic"](hidden),
            batch.items,
            batch.returns + batch.discounts * following,
            batch.now.blocking,
            self._settings,
        )
        return parts["actor"] + parts["critic"] + self._settings.min_q_weight * parts["conservative"], parts


def crr_losses(
    logits: Tensor, values: Tensor, items: Tensor, targets: Tensor, blocking: Tensor | None, settings: CRRConfig
) -> dict[str, Tensor]:
    """Return the terms of the loss by name, unweighted (scalars).

    Args:
        logits, values: (B, n_items) outputs of the actor and of the critic.
        items: (B,) the logged items, none of which is blocked.
        targets: (B,) target values of the logged items.
        blocking: as in `Moments`.
        settings: how steps are weighted.
    """
    taken = values.gather(1, items[:, None]).squeeze(1)
    log_policy = without_blocked(logits, blocking).log_softmax(dim=1)
    with torch.no_grad():
        advantages = taken - (log_policy.exp() * values).sum(dim=1)
        if settings.weighting == "exp":
            weight = (advantages / settings.beta).exp().clamp(max=settings.bound)
        elif settings.weighting == "binary":
            weight = (advantages > 0).float()
        else:
            weight = torch.ones_like(advantages)
    return {
        "actor": -(log_policy.gather(1, items[:, None]).squeeze(1) * weight).mean(),
        "critic": 0.5 * F.mse_loss(taken, targets),
        "conservative": conservative_loss(without_blocked(values, blocking), items),
    }


CRR_METHOD = Offline(
    name="crr",
    summary="imitation of the log, weighted by a critic's advantages",
    source="Wang et al., NeurIPS 2020",
    page="crr.md",
    fixed={"offline.n_step": 1, **NO_PENALTIES},
    published=offline_settings({}),
    space={
        **OFFLINE_SPACE,
        "crr.weighting": ["exp", "binary"],
        "crr.beta": {"low": 0.1, "high": 10, "log": True},
        "crr.min_q_weight": {"low": 0.1, "high": 20, "log": True},
    },
    reads=(OfflineConfig, CRRConfig),
    kind=CRR,
    build=lambda kind, config, tracker, n_items, generator: kind(
        config.policy, tracker, n_items, config.own(CRRConfig), generator
    ),
)
