"""Rows grouped by the entities of one side, and the sums over their pairs that the entities learn from."""

from dataclasses import dataclass
from typing import Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from darlr.world_model.factors.background import Background, BackgroundSums


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
