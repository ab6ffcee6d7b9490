"""CQL, conservative Q-learning (Kumar et al., NeurIPS 2020), on quantiles of the return or on its mean.

    loss = temporal difference + alpha (log sum over items of exp Q(s, .) - Q(s, a))

With quantiles, the first term is the quantile Huber loss of QR-DQN (Dabney et al., AAAI 2018), Q is the mean of an item's
quantiles, and the target is the target network's quantiles of the item that Q likes best. With one quantile it is the Huber
loss of double Q-learning: plain CQL. Blocked items count neither in the sum nor for the best.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Batch, Moments, OfflinePolicy, outputs_of, without_blocked
from darlr.agents.settings import OfflineConfig, PolicyConfig
from darlr.config.constraints import Section, Setting
from darlr.config.experiment import ExperimentConfig
from darlr.methods.method import NO_PENALTIES
from darlr.methods.offline import OFFLINE_SPACE, Offline, offline_settings
from darlr.methods.qr_dqn import quantile_loss, quantile_means


@dataclass(frozen=True)
class CQLConfig(Section):
    """Conservative Q-learning."""

    KEY: ClassVar[str] = "cql"

    quantiles: Annotated[
        int, Setting("of an item's return; 1: its mean alone (published: Yahoo 10)", at_least=1, at_most=10_000)
    ] = 20
    min_q_weight: Annotated[float, Setting("of the conservative term (published: Yahoo 1)", at_least=0, at_most=1e6)] = 10.0


class CQL(OfflinePolicy):
    """Q-learning that keeps the values of what was not logged low.

    The head is linear, so the mean of an item's quantiles is a linear function too: all quantiles are only ever computed for
    one item a row, which is what makes 8,000 items fit.
    """

    def __init__(
        self,
        config: PolicyConfig,
        tracker: StateTracker,
        n_items: int,
        quantiles: int,
        min_q_weight: float,
        generator: torch.Generator,
    ) -> None:
        """Args: min_q_weight: alpha."""
        super().__init__(config, tracker, n_items, {"quantiles": n_items * quantiles}, generator)
        self._quantiles, self._min_q_weight = quantiles, min_q_weight

    def scores(self, moments: Moments) -> Tensor:
        return without_blocked(self.values(self.hidden(moments)), moments.blocking)

    def values(self, hidden: Tensor) -> Tensor:
        """(B, n_items) Q for `hidden` (B, h)."""
        return quantile_means(self.heads["quantiles"], self._quantiles, hidden)

    def quantiles(self, hidden: Tensor, items: Tensor) -> Tensor:
        """(B, N) quantiles of the return of `items` (B,), one a row of `hidden` (B, h)."""
        return outputs_of(self.heads["quantiles"], hidden, items, self._quantiles)

    def losses(self, batch: Batch, target: OfflinePolicy) -> tuple[Tensor, dict[str, Tensor]]:
        assert isinstance(target, CQL)
        with torch.no_grad():
            best = self.scores(batch.after).argmax(dim=1)
            following = target.quantiles(target.hidden(batch.after), best)
            targets = batch.returns[:, None] + batch.discounts[:, None] * following
        hidden = self.hidden(batch.now)
        quantiles = self.quantiles(hidden, batch.items)
        difference = quantile_loss(quantiles, targets) if self._quantiles > 1 else F.smooth_l1_loss(quantiles, targets)
        conservative = conservative_loss(without_blocked(self.values(hidden), batch.now.blocking), batch.items)
        return difference + self._min_q_weight * conservative, {"value": difference, "conservative": conservative}


def conservative_loss(values: Tensor, items: Tensor) -> Tensor:
    """How far the soft maximum of `values` (B, n), -inf where blocked, lies above those of the logged `items` (B,).

    That is the cross-entropy of the items with the values as logits.
    """
    return F.cross_entropy(values, items)


def _build(
    kind: type[CQL], config: ExperimentConfig, tracker: StateTracker, n_items: int, generator: torch.Generator
) -> OfflinePolicy:
    own = config.own(CQLConfig)
    return kind(config.policy, tracker, n_items, own.quantiles, own.min_q_weight, generator)


CQL_METHOD = Offline(
    name="cql",
    summary="Q-learning on the log, on quantiles, that keeps unlogged items' values low",
    source="Kumar et al., NeurIPS 2020",
    page="cql.md",
    published=offline_settings({}, yahoo={"cql": {"quantiles": 10, "min_q_weight": 1.0}}),
    space={
        **OFFLINE_SPACE,
        "cql.quantiles": [5, 10, 20, 50],
        "cql.min_q_weight": {"low": 0.1, "high": 20, "log": True},
    },
    reads=(OfflineConfig, CQLConfig),
    kind=CQL,
    build=_build,
)
CQL_PLAIN = Offline(
    name="cql-plain",
    summary="CQL on mean returns instead of quantiles",
    source="Kumar et al., NeurIPS 2020",
    page="cql.md",
    fixed={"cql.quantiles": 1, **NO_PENALTIES},
    published=offline_settings({}, yahoo={"cql": {"min_q_weight": 1.0}}),
    space={**OFFLINE_SPACE, "cql.min_q_weight": {"low": 0.1, "high": 20, "log": True}},
    reads=(OfflineConfig, CQLConfig),
    kind=CQL,
    build=_build,
)
