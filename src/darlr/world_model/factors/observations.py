"""The rows of a fit, grouped by user and by item, and the sums that the entities of a side learn from.

If a log holds positives alone, every pair that it lacks counts as the lowest reward, with the weight of its user. These
pairs are never listed. They enter all sums through one sum over each side (Hu, Koren & Volinsky, ICDM 2008).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Background:
    """All pairs of a side's n entities with the other side's m entities, at one target.

    Attributes:
        own: (n,) weights; the weight of a pair is the product of both sides' weights.
        other: (m,) weights.
        own_apart, other_apart: (n,) and (m,) of 0 and 1; pairs of two 1s are left out.
        target: y of every pair that is not logged.
    """

    own: Tensor
    other: Tensor
    own_apart: Tensor
    other_apart: Tensor
    target: float

    def shared(self, means: Tensor, products: Tensor) -> "BackgroundSums":
        """The sums that all entities' sums are built from.

        Args:
            means: (m, e) E h of the other side.
            products: (m, p) E h h' of the other side.
        """
        apart = self.other * self.other_apart
        return BackgroundSums(self.other @ means, apart @ means, self.other @ products, apart @ products)

    def statistics(self, sums: "BackgroundSums", first: int, last: int) -> tuple[Tensor, Tensor]:
        """Sums over the pairs of the entities `first` to `last`.

        Returns:
            (last - first, p) sums of weight times E h h', and (last - first, e) sums of weight times target times E h.
        """
        own, apart = self.own[first:last, None], self.own_apart[first:last, None]
        products = own * (sums.products - apart * sums.products_apart)
        return products, self.target * (own * (sums.means - apart * sums.means_apart))

    @property
    def weight(self) -> float:
        """The sum of the weights of all pairs."""
        apart = (self.own * self.own_apart).sum() * (self.other * self.other_apart).sum()
        return float(self.own.sum() * self.other.sum() - apart)

    def of(self, first: int, last: int) -> "Background":
        """The pairs of the entities `first` to `last` alone."""
        return replace(self, own=self.own[first:last], own_apart=self.own_apart[first:last])

    def turned(self) -> "Background":
        """The same pairs with the two sides exchanged."""
        return Background(self.other, self.own, self.other_apart, self.own_apart, self.target)


@dataclass
class BackgroundSums:
    """Weighted sums over one side's entities: over all of them, and over those whose pairs are left out.

    Attributes:
        means, means_apart: (e,) of E h.
        products, products_apart: (p,) of E h h'.
    """

    means: Tensor
    means_apart: Tensor
    products: Tensor
    products_apart: Tensor

    def add(self, other: "BackgroundSums") -> None:
        """Add the sums of another part."""
        for name, total in vars(self).items():
            setattr(self, name, total + getattr(other, name))


class Sums(Protocol):
    """Sums over entities' pairs, from which the entities learn."""

    def __len__(self) -> int:
        """The number of entities."""

    def statistics(self, first: int, last: int) -> tuple[Tensor, Tensor]:
        """Sums over the pairs of the entities `first` to `last`.

        Returns:
            (last - first, p) sums of weight times E h h', and (last - first, e) sums of weight times target times E h.
        """


@dataclass(frozen=True)
class Groups:
    """Rows in the order of one side's n entities.

    Attributes:
        starts: (n + 1,) int64 on the CPU: the rows of entity e are starts[e] to starts[e + 1].
        offsets: (n,) int32, the same on the device, without the end.
        members: (rows,) int32, the other side's entity of each row.
        weights: (rows,) float32, or None if all weights are 1.
        pulls: (rows,) float64, weight times target. With a background: weight times the target's difference from the
            background's.
        background: or None.
    """

    starts: Tensor
    offsets: Tensor
    members: Tensor
    weights: Tensor | None
    pulls: Tensor
    background: Background | None

    @classmethod
    def of(
        cls, own: Tensor, members: Tensor, n: int, weights: Tensor | None, pulls: Tensor, background: Background | None
    ) -> Self:
        """Group rows by `own` (rows,), each in 0..n-1; the other tensors are (rows,), too."""
        order = torch.argsort(own, stable=True)
        ends = torch.cumsum(torch.bincount(own, minlength=n), 0)
        starts = F.pad(ends, (1, 0))
        return cls(
            starts=starts.cpu(),
            offsets=starts[:-1].int(),
            members=members[order].int(),
            weights=None if weights is None else weights[order].float(),
            pulls=pulls[order],
            background=background,
        )

    def __len__(self) -> int:
        return len(self.offsets)

    def against(self, means: Tensor, products: Tensor) -> "Against":
        """Sums over an entity's pairs with the other side.

        Args:
            means: (m, e) E h of the other side.
            products: (m, p) E h h' of the other side.
        """
        return Against(self, means, self._summed(products))

    def totals(self, means: Tensor, products: Tensor) -> "Totals":
        """The sums for all entities at once, over a part of the other side.

        Args:
            means: (m, e) E h of that part.
            products: (m, p) E h h' of that part.
        """
        pulled = self._sum(0, len(self), means, self.pulls)
        if self.background is None:
            return Totals(pulled, self._sum(0, len(self), self._summed(products), self.weights), None)
        return Totals(pulled, None, self.background.shared(means, products))

    def _summed(self, products: Tensor) -> Tensor:
        """The other side's `products` (m, p) in the precision in which they are summed.

        The precision is single without a background, which is five times as fast. A prior's precision is added to the sum
        before the inversion, so an error of some millionths stays that small. The error does not depend on the targets.
        """
        return products.float() if self.background is None else products

    def _sum(self, first: int, last: int, table: Tensor, values: Tensor | None) -> Tensor:
        start, end = int(self.starts[first]), int(self.starts[last])
        rows = slice(start, end)
        offsets = self.offsets[first:last] - start
        chosen = None if values is None else values[rows]
        return F.embedding_bag(self.members[rows], table, offsets, mode="sum", per_sample_weights=chosen)


@dataclass(frozen=True)
class Against:
    """Sums that are computed on demand.

    Attributes:
        rows: of the entities.
        means, products: (m, e) and (m, p) of the other side.
    """

    rows: Groups
    means: Tensor
    products: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def statistics(self, first: int, last: int) -> tuple[Tensor, Tensor]:
        """Compute the sums for the entities `first` to `last`; shapes as for `Sums`."""
        rows = self.rows
        pulled = rows._sum(first, last, self.means, rows.pulls)
        if rows.background is None:
            return rows._sum(first, last, self.products, rows.weights).double(), pulled
        shared, constant = rows.background.statistics(rows.background.shared(self.means, self.products), first, last)
        return shared, pulled + constant


@dataclass
class Totals:
    """Sums of n entities over their pairs with some entities of the other side; such sums can be added.

    Attributes:
        pulls: (n, e) float64, sums of weight times target times E h.
        products: (n, p) sums of weight times E h h', in single precision for one part; None with a background.
        shared: the background's part of the sums, or None.
    """

    pulls: Tensor
    products: Tensor | None
    shared: BackgroundSums | None

    def add(self, other: "Totals") -> None:
        """Add the sums of another part, in double precision."""
        self.pulls = self.pulls + other.pulls
        if self.products is not None and other.products is not None:
            self.products = self.products.double().add_(other.products)
        if self.shared is not None and other.shared is not None:
            self.shared.add(other.shared)

    def of(self, background: Background | None) -> "AllTotals":
        """The sums as `Sums`; `background` is the entities' background, or None."""
        return AllTotals(self, background)


@dataclass(frozen=True)
class AllTotals:
    """Sums over all of the other side.

    Attributes:
        totals: over logged rows, with the sums that the background's sums are built from.
        background: as the entities see it, or None.
    """

    totals: Totals
    background: Background | None

    def __len__(self) -> int:
        return len(self.totals.pulls)

    def statistics(self, first: int, last: int) -> tuple[Tensor, Tensor]:
        """Read the sums of the entities `first` to `last`; shapes as for `Sums`."""
        pulled = self.totals.pulls[first:last]
        if self.totals.products is not None:
            return self.totals.products[first:last].double(), pulled
        if self.background is None or self.totals.shared is None:
            raise ValueError("the totals have neither products nor a background")
        shared, constant = self.background.statistics(self.totals.shared, first, last)
        return shared, pulled + constant


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
        """Take one part of the users' rows.

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
