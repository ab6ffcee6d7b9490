"""IQL, implicit Q-learning (Kostrikov et al., ICLR 2022), for discrete actions: it never evaluates an item that was not logged.

    value   |tau - 1(u < 0)| u^2,  u = min(Q'_1(s, a), Q'_2(s, a)) - V(s)        (Eq. 5)
    critic  (r + gamma V(s') - Q_i(s, a))^2, a sum over i = 1, 2                 (Eq. 6)
    actor   -exp(beta (min(Q'_1(s, a), Q'_2(s, a)) - V(s))) log pi(a | s)        (Eq. 7)
    loss    value + critic + actor

Q' is the target network. The weight of the actor's term is at most `bound`, as in the authors' code. Each head learns from
its own term alone: the other heads' outputs in a term are constants for the gradient.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn

from darlr.agents.networks.encoder import initialise_linear
from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Batch, Moments, OfflinePolicy, outputs_of, without_blocked
from darlr.agents.settings import OfflineConfig, PolicyConfig
from darlr.config.constraints import Section, Setting
from darlr.methods.method import NO_PENALTIES
from darlr.methods.offline import OFFLINE_SPACE, Offline, offline_settings
from darlr.methods.weighted_likelihood import weighted_loss


@dataclass(frozen=True)
class IQLConfig(Section):
    """Settings of implicit Q-learning."""

    KEY: ClassVar[str] = "iql"

    expectile: Annotated[
        float, Setting("tau: 1/2 values a state by its mean, towards 1 by its best logged item", above=0, below=1)
    ] = 0.7
    beta: Annotated[
        float, Setting("inverse temperature of the actor's weights; 0: plain imitation", at_least=0, at_most=1e6)
    ] = 3.0
    bound: Annotated[float, Setting("greatest weight of a logged step", above=0, at_most=1e6)] = 100.0


class IQL(OfflinePolicy):
    """An actor, two critics and a state value; the actor recommends its most likely item."""

    def __init__(
        self, config: PolicyConfig, tracker: StateTracker, n_items: int, settings: IQLConfig, generator: torch.Generator
    ) -> None:
        outputs = {"actor": n_items, "critic_1": n_items, "critic_2": n_items}
        super().__init__(config, tracker, n_items, outputs, generator)
        self.value = nn.Linear(self.hidden_size, 1)
        initialise_linear(self.value, generator)
        self._settings = settings

    def scores(self, moments: Moments) -> Tensor:
        return without_blocked(self.heads["actor"](self.hidden(moments)), moments.blocking)

    def critics(self, hidden: Tensor, items: Tensor) -> Tensor:
        """Both critics' values of `items` (B,), one a row of `hidden` (B, h), (B, 2)."""
        return torch.cat([outputs_of(self.heads[name], hidden, items) for name in ("critic_1", "critic_2")], dim=1)

    def losses(self, batch: Batch, target: OfflinePolicy) -> tuple[Tensor, dict[str, Tensor]]:
        assert isinstance(target, IQL)
        with torch.no_grad():
            logged = target.critics(target.hidden(batch.now), batch.items).amin(dim=1)
            following = self.value(self.hidden(batch.after)).squeeze(1)
        hidden = self.hidden(batch.now)
        parts = iql_losses(
            without_blocked(self.heads["actor"](hidden), batch.now.blocking),
            self.critics(hidden, batch.items),
            self.value(hidden).squeeze(1),
            batch.items,
            logged,
            batch.returns + batch.discounts * following,
            self._settings,
        )
        return parts["value"] + parts["critic"] + parts["actor"], parts


def iql_losses(
    scores: Tensor, critics: Tensor, values: Tensor, items: Tensor, logged: Tensor, targets: Tensor, settings: IQLConfig
) -> dict[str, Tensor]:
    """The terms of the loss.

    Args:
        scores: (B, n_items) the actor's logits, -inf where blocked.
        critics: (B, 2) Q_1 and Q_2 of the logged items.
        values: (B,) V of the states.
        items: (B,) the logged items, none of which is blocked.
        logged: (B,) the smaller of the two target critics' values of the logged items.
        targets: (B,) r + gamma V(s').
        settings: tau, beta and the bound.
    """
    advantages = logged - values
    asymmetry = torch.where(advantages.detach() < 0, 1 - settings.expectile, settings.expectile)
    weight = (settings.beta * advantages.detach()).exp().clamp(max=settings.bound)
    return {
        "value": (asymmetry * advantages.square()).mean(),
        "critic": (targets[:, None] - critics).square().sum(dim=1).mean(),
        "actor": weighted_loss(scores, items, weight),
    }


IQL_METHOD = Offline(
    name="iql",
    summary="imitation of the log, weighted by advantages that were learned from logged items alone",
    source="Kostrikov et al., ICLR 2022",
    page="iql.md",
    fixed={"offline.n_step": 1, **NO_PENALTIES},
    published=offline_settings({}),
    space={
        **OFFLINE_SPACE,
        "iql.expectile": [0.5, 0.7, 0.9],
        "iql.beta": {"low": 0.1, "high": 10, "log": True},
    },
    reads=(OfflineConfig, IQLConfig),
    kind=IQL,
    build=lambda kind, config, tracker, n_items, generator: kind(
        config.policy, tracker, n_items, config.own(IQLConfig), generator
    ),
)
