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
        """What all entities' sums are made of, of E h (m, e) and E h h' (m, p) of the other side."""
        apart = self.other * self.other_apart
        return BackgroundSums(self.other @ means, apart @ means, self.other @ products, apart @ products)

    def statistics(self, sums: "BackgroundSums", first: int, last: int) -> tuple[Tensor, Tensor]:
        """(last - first, p) sums of weight times E h h', and (last - first, e) of weight times target times E h."""
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
    """Weighted sums over one side's entities, all of them and those whose pairs are left out.

    Attributes:
        means, means_apart: (e,) of E h.
        products, products_apart: (p,) of E h h'.
    """

    means: Tensor
    means_apart: Tensor
    products: Tensor
    products_apart: Tensor

    def add(self, other: "BackgroundSums") -> None:
        for name, total in vars(self).items():
            setattr(self, name, total + getattr(other, name))


class Sums(Protocol):
    """What entities learn from: sums over their pairs."""

    def __len__(self) -> int:
        """How many entities there are."""

    def statistics(self, first: int, last: int) -> tuple[Tensor, Tensor]:
        """Sums over the pairs of the entities `first` to `last`.

        Returns:
            (last - first, p) of weight times E h h', and (last - first, e) of weight times target times E h.
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
        """Sums over an entity's pairs with the other side, whose E h are `means` (m, e) and E h h' `products` (m, p)."""
        return Against(self, means, self._summed(products))

    def totals(self, means: Tensor, products: Tensor) -> "Totals":
        """The same sums for all entities at once, of a part of the other side."""
        pulled = self._sum(0, len(self), means, self.pulls)
        if self.background is None:
            return Totals(pulled, self._sum(0, len(self), self._summed(products), self.weights), None)
        return Totals(pulled, None, self.background.shared(means, products))

    def _summed(self, products: Tensor) -> Tensor:
        """The other side's `products` (m, p) as they are summed: in single precision, but for a background's.

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
    """Sums that are made when they are asked for.

    Attributes:
        rows: of the entities.
        means, products: of the other side.
    """

    rows: Groups
    means: Tensor
    products: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def statistics(self, first: int, last: int) -> tuple[Tensor, Tensor]:
        """See `Sums`."""
        rows = self.rows
        pulled = rows._sum(first, last, self.means, rows.pulls)
        if rows.background is None:
            return rows._sum(first, last, self.products, rows.weights).double(), pulled
        shared, constant = rows.background.statistics(rows.background.shared(self.means, self.products), first, last)
        return shared, pulled + constant


@dataclass
class Totals:
    """Sums of n entities over their pairs with some entities of the other side, which can be added up.

    Attributes:
        pulls: (n, e) float64, of weight times target times E h.
        products: (n, p) of weight times E h h', in single precision where they are of one part; None with a background.
        shared: what a background adds.
    """

    pulls: Tensor
    products: Tensor | None
    shared: BackgroundSums | None

    def add(self, other: "Totals") -> None:
        """Add those of another part, in double precision."""
        self.pulls = self.pulls + other.pulls
        if self.products is not None and other.products is not None:
            self.products = self.products.double().add_(other.products)
        if self.shared is not None and other.shared is not None:
            self.shared.add(other.shared)

    def of(self, background: Background | None) -> "AllTotals":
        """As what entities learn from whose background, if there is one, is `background`."""
        return AllTotals(self, background)


@dataclass(frozen=True)
class AllTotals:
    """Sums over all of the other side.

    Attributes:
        totals: over logged rows, and what the background's are made of.
        background: as the entities see it, or None.
    """

    totals: Totals
    background: Background | None

    def __len__(self) -> int:
        return len(self.totals.pulls)

    def statistics(self, first: int, last: int) -> tuple[Tensor, Tensor]:
        """See `Sums`."""
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
        users: of how many users, from which one to before which.
        by_user: the rows by user, numbered from 0 in the part.
        by_item: the same by item, of all items.
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
        """Args: rows: users, items, weights and pulls of all users' rows; background: as all users see it."""
        first, last = ends
        users, items, weights, pulls = rows
        if bool((users < first).any() | (users >= last).any()):
            chosen = ((users >= first) & (users < last)).nonzero().squeeze(1)
            users, items, pulls = users[chosen], items[chosen], pulls[chosen]
            weights = None if weights is None else weights[chosen]
        own = None if background is None else background.of(first, last)
        return cls(
            users=ends,
            by_user=Groups.of(users - first, items, last - first, weights, pulls, own),
            by_item=Groups.of(items, users - first, n_items, weights, pulls, None if own is None else own.turned()),
        )


@dataclass(frozen=True)
class Observations:
    """The data of a fit: pairs of U users and I items, targets of mean about 0 and variance about 1.

    Sums over users are sums over the parts, in their order: however many machines make them, they are the same to the last bit.

    Attributes:
        parts: the rows, by consecutive users.
        background: as the items see it, or None.
        n_users, n_items: U and I.
        rows: how many were logged.
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
            user_weights: (U,) float64, or None where all weigh 1.
            cuts: the users with whom another part begins.
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
        """Logged rows, no pair twice and none left out, among all pairs of `background`, which is the users'."""
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
    ends = pairwise((0, *cuts, n_users))
    return tuple(PartRows.of(own, rows, n_items, background) for own in ends)
