"""CQL, conservative Q-learning (Kumar et al., NeurIPS 2020), on quantiles of the return or on its mean.

    loss = temporal difference + alpha (log sum over items of exp Q(s, .) - Q(s, a))

With quantiles, the first term is the quantile Huber loss of QR-DQN (Dabney et al., AAAI 2018). Q is the mean of an item's
quantiles. The target is the target network's quantiles of the item with the greatest Q. With one quantile, the term is the
Huber loss of double Q-learning: plain CQL. Blocked items are left out of the sum and of the argmax.
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
    """Settings of conservative Q-learning."""

    KEY: ClassVar[str] = "cql"

    quantiles: Annotated[
        int,
        Setting("number of quantiles of an item's return; 1: its mean alone (published: Yahoo 10)", at_least=1, at_most=10_000),
    ] = 20
    min_q_weight: Annotated[
        float, Setting("alpha, weight of the conservative term (published: Yahoo 1)", at_least=0, at_most=1e6)
    ] = 10.0


class CQL(OfflinePolicy):
    """Q-learning that keeps the values of unlogged items low.

    The head is linear, so the mean of an item's quantiles is linear, too. Hence all quantiles are computed for one item of
    each row only, which keeps the memory small in a world of 8,000 items.
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
        """
        Args:
            config: sizes of the heads.
            tracker: encodes the state.
            n_items: number of items.
            quantiles: N, number of quantiles of an item's return.
            min_q_weight: alpha.
            generator: draws the initial weights.
        """
        super().__init__(config, tracker, n_items, {"quantiles": n_items * quantiles}, generator)
        self._quantiles, self._min_q_weight = quantiles, min_q_weight

    def scores(self, moments: Moments) -> Tensor:
        return without_blocked(self.values(self.hidden(moments)), moments.blocking)

    def values(self, hidden: Tensor) -> Tensor:
        """Return (B, n_items) Q for `hidden` (B, h)."""
        return quantile_means(self.heads["quantiles"], self._quantiles, hidden)

    def quantiles(self, hidden: Tensor, items: Tensor) -> Tensor:
        """Return (B, N) quantiles of the return of `items` (B,), one item for each row of `hidden` (B, h)."""
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
    """Return the conservative term (scalar): how far the soft maximum of `values` (B, n) exceeds the values of the logged
    `items` (B,).

    Values of blocked items are -inf. The term equals the cross-entropy of the items with the values as logits.
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
