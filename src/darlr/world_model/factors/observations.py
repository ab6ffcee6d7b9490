"""The rows of a fit, in parts of consecutive users, grouped by user and by item."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import torch
from torch import Tensor

from darlr.cluster.workers import HERE, Workers
from darlr.world_model.factors.background import Background
from darlr.world_model.factors.sums import Groups

Ends = tuple[int, int]
"""The first entity and the entity after the last one."""


@dataclass(frozen=True)
class Cuts:
    """How the sides are cut into consecutive entities: the first entity of each part after the first one."""

    users: Sequence[int] = ()
    items: Sequence[int] = ()


WHOLE = Cuts()


@dataclass(frozen=True)
class CutRows:
    """The rows of some consecutive users, as they are sent to the place where they are grouped.

    Attributes:
        n_users: number of these users.
        users: (rows,) int32, numbered from 0 in the part.
        items: (rows,) int32.
        weights: (rows,) float32, or None if all weights are 1.
        pulls: (rows,) float64, see `Groups`.
    """

    n_users: int
    users: Tensor
    items: Tensor
    weights: Tensor | None
    pulls: Tensor


@dataclass(frozen=True)
class PartRows:
    """The rows of some consecutive users.

    Attributes:
        by_user: the rows by user, numbered from 0 in the part.
        by_item: the same rows by item, for all items.
    """

    by_user: Groups
    by_item: Groups

    @classmethod
    def of(cls, cut: CutRows, n_items: int) -> Self:
        """Group the rows of one part of the users; `n_items` is I."""
        by_user = Groups.of(cut.users, cut.items, cut.n_users, cut.weights, cut.pulls)
        return cls(by_user, Groups.of(cut.items, cut.users, n_items, cut.weights, cut.pulls))


@dataclass(frozen=True)
class Observations:
    """The data of a fit: pairs of U users and I items, targets of mean about 0 and variance about 1.

    Sums over users are sums over the parts, in their order. They are the same to the last bit however many machines compute
    them.

    Attributes:
        parts: the `PartRows` of consecutive users, held by workers.
        users: the ends of the parts.
        items: the ends of the slices of the items, which are updated one by one.
        backgrounds: of all users and of all items, or None twice.
        rows: number of logged rows.
        weight: sum of the pairs' weights.
        square: sum of weight times squared target over all pairs.
    """

    parts: Sequence[Any]
    users: tuple[Ends, ...]
    items: tuple[Ends, ...]
    backgrounds: tuple[Background, Background] | tuple[None, None]
    rows: int
    weight: float
    square: float

    @classmethod
    def rated(
        cls,
        users: Tensor,
        items: Tensor,
        targets: Tensor,
        user_weights: Tensor | None,
        n_users: int,
        n_items: int,
        cuts: Cuts = WHOLE,
        workers: Workers = HERE,
    ) -> Self:
        """Logged rows alone.

        Args:
            users, items: (rows,) int64.
            targets: (rows,) float64.
            user_weights: (U,) float64, or None if all weights are 1.
            n_users, n_items: U and I.
            cuts: of both sides.
            workers: group the rows and hold them.
        """
        weights = None if user_weights is None else user_weights[users]
        pulls = targets if weights is None else weights * targets
        ends = _ends(cuts.users, n_users), _ends(cuts.items, n_items)
        return cls(
            workers.keep(PartRows.of, _cut(ends[0], users, items, weights, pulls), n_items),
            *ends,
            backgrounds=(None, None),
            rows=len(users),
            weight=float(len(users) if weights is None else weights.sum()),
            square=float((pulls * targets).sum()),
        )

    @classmethod
    def against_background(
        cls,
        users: Tensor,
        items: Tensor,
        targets: Tensor,
        backgrounds: tuple[Background, Background],
        cuts: Cuts = WHOLE,
        workers: Workers = HERE,
    ) -> Self:
        """Logged rows among all pairs.

        Args:
            users, items: (rows,) int64; no pair occurs twice, and none is left out of the background.
            targets: (rows,) float64.
            backgrounds: of the U users and of the I items; items weigh 1.
            cuts: of both sides.
            workers: group the rows and hold them.
        """
        of_users, of_items = backgrounds
        weights, target, n_items = of_users.weights[users], of_users.target, len(of_items.weights)
        pulls = weights * (targets - target)
        ends = _ends(cuts.users, len(of_users.weights)), _ends(cuts.items, n_items)
        weight = of_users.weight_with(of_items)
        return cls(
            workers.keep(PartRows.of, _cut(ends[0], users, items, None, pulls), n_items),
            *ends,
            backgrounds=backgrounds,
            rows=len(users),
            weight=weight,
            square=float((weights * (targets.square() - target**2)).sum()) + weight * target**2,
        )


def _ends(cuts: Sequence[int], n: int) -> tuple[Ends, ...]:
    return tuple(pairwise((0, *cuts, n)))


def _cut(ends: Sequence[Ends], users: Tensor, items: Tensor, weights: Tensor | None, pulls: Tensor) -> Iterator[CutRows]:
    """The rows of each part of the users, in their order; all tensors are (rows,)."""
    if len(ends) == 1:
        own = None if weights is None else weights.float()
        yield CutRows(ends[0][1], users.int(), items.int(), own, pulls)
        return
    lengths = torch.tensor([last - first for first, last in ends], device=users.device)
    part = torch.arange(len(ends), dtype=torch.int16, device=users.device).repeat_interleave(lengths)[users]
    order, counts = torch.argsort(part, stable=True), torch.bincount(part, minlength=len(ends)).tolist()
    for (first, last), chosen in zip(ends, torch.split(order, counts), strict=True):
        own = None if weights is None else weights.index_select(0, chosen).float()
        numbered = (users.index_select(0, chosen) - first).int()
        yield CutRows(last - first, numbered, items.index_select(0, chosen).int(), own, pulls.index_select(0, chosen))
