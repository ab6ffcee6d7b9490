"""The rows of a fit, in parts of consecutive users, grouped by user and by item."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor

from darlr.world_model.factors.background import Background
from darlr.world_model.factors.sums import Groups


@dataclass(frozen=True)
class PartRows:
    """The rows of some consecutive users.

    Attributes:
        users: the first user and the user after the last one.
        by_user: the rows by user, numbered from 0 in the part.
        by_item: the same rows by item, for all items.
    """

    users: tuple[int, int]
    by_user: Groups
    by_item: Groups

    @classmethod
    def of(
        cls,
        ends: tuple[int, int],
        rows: tuple[Tensor, Tensor, Tensor | None, Tensor],
        n_items: int,
        background: Background | None,
    ) -> Self:
        """Group the rows of one part of the users.

        Args:
            ends: the first user and the user after the last one.
            rows: users, items, weights and pulls of these users' rows, (rows,) each.
            n_items: I.
            background: as all users see it, or None.
        """
        first, last = ends
        users, items, weights, pulls = rows
        own = None if background is None else background.of(first, last)
        return cls(
            users=ends,
            by_user=Groups.of(users - first, items, last - first, weights, pulls, own),
            by_item=Groups.of(items, users - first, n_items, weights, pulls, None if own is None else own.turned()),
        )


@dataclass(frozen=True)
class Observations:
    """The data of a fit: pairs of U users and I items, targets of mean about 0 and variance about 1.

    Sums over users are sums over the parts, in their order. They are the same to the last bit however many machines compute
    them.

    Attributes:
        parts: the rows, by consecutive users.
        background: as the items see it, or None.
        n_users, n_items: U and I.
        rows: number of logged rows.
        weight: sum of the pairs' weights.
        square: sum of weight times squared target over all pairs.
    """

    parts: tuple[PartRows, ...]
    background: Background | None
    n_users: int
    n_items: int
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
        cuts: Sequence[int] = (),
    ) -> Self:
        """Logged rows alone.

        Args:
            users, items: (rows,) int64.
            targets: (rows,) float64.
            user_weights: (U,) float64, or None if all weights are 1.
            n_users, n_items: U and I.
            cuts: the first user of each part after the first one.
        """
        weights = None if user_weights is None else user_weights[users]
        pulls = targets if weights is None else weights * targets
        return cls(
            parts=_parts((users, items, weights, pulls), n_users, n_items, None, cuts),
            background=None,
            n_users=n_users,
            n_items=n_items,
            rows=len(users),
            weight=float(len(users) if weights is None else weights.sum()),
            square=float((pulls * targets).sum()),
        )

    @classmethod
    def against_background(
        cls, users: Tensor, items: Tensor, targets: Tensor, background: Background, cuts: Sequence[int] = ()
    ) -> Self:
        """Logged rows among all pairs of `background`, which is on the users' side.

        Args:
            users, items: (rows,) int64; no pair occurs twice, and none is left out of the background.
            targets: (rows,) float64.
            background: all pairs, as the users' side sees them.
            cuts: the first user of each part after the first one.
        """
        weights, target = background.own[users], background.target
        pulls = weights * (targets - target)
        n_users, n_items = len(background.own), len(background.other)
        return cls(
            parts=_parts((users, items, None, pulls), n_users, n_items, background, cuts),
            background=background.turned(),
            n_users=n_users,
            n_items=n_items,
            rows=len(users),
            weight=background.weight,
            square=float((weights * (targets.square() - target**2)).sum()) + background.weight * target**2,
        )


def _parts(
    rows: tuple[Tensor, Tensor, Tensor | None, Tensor],
    n_users: int,
    n_items: int,
    background: Background | None,
    cuts: Sequence[int],
) -> tuple[PartRows, ...]:
    ends = list(pairwise((0, *cuts, n_users)))
    if not cuts:
        return (PartRows.of(ends[0], rows, n_items, background),)
    lengths = torch.tensor([last - first for first, last in ends], device=rows[0].device)
    part = torch.arange(len(ends), dtype=torch.int16, device=lengths.device).repeat_interleave(lengths)[rows[0]]
    found = []
    for number, own in enumerate(ends):
        chosen = (part == number).nonzero().squeeze(1)
        users, items, weights, pulls = rows
        theirs = users[chosen], items[chosen], None if weights is None else weights[chosen], pulls[chosen]
        found.append(PartRows.of(own, theirs, n_items, background))
    return tuple(found)
