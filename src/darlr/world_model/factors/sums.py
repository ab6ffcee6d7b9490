"""Rows grouped by the entities of one side, and the sums over their pairs that the entities learn from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
class Expectations:
    """The posteriors of m entities of one side, as the other side's sums need them.

    Attributes:
        means: (m, e) float64 E h.
        products: (m, p) E h h', or None with a background. Single precision makes their sums five times as fast. A prior's
            precision is added to the sum before the inversion, so an error of some millionths stays that small. The error
            does not depend on the targets.
        shared: sums over the m entities, or None without a background.
    """

    means: Tensor
    products: Tensor | None
    shared: BackgroundSums | None

    @classmethod
    def of(cls, means: Tensor, products: Tensor, background: Background | None) -> Self:
        """Take them from (m, e) E h and (m, p) E h h', in double precision; `background` is the m entities' or None."""
        if background is None:
            return cls(means, products.float(), None)
        return cls(means, None, background.shared(means, products))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The entities of all `parts`, one part after the other."""
        first, *others = parts
        if not others:
            return first
        shared = None if first.shared is None else replace(first.shared)
        for other in others:
            if shared is not None and other.shared is not None:
                shared.add(other.shared)
        products = [part.products for part in parts if part.products is not None]
        return cls(torch.cat([part.means for part in parts]), torch.cat(products) if products else None, shared)


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
    """

    starts: Tensor
    offsets: Tensor
    members: Tensor
    weights: Tensor | None
    pulls: Tensor

    @classmethod
    def of(cls, own: Tensor, members: Tensor, n: int, weights: Tensor | None, pulls: Tensor) -> Self:
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
        )

    def __len__(self) -> int:
        return len(self.offsets)

    def against(self, other: Expectations, background: Background | None) -> "Against":
        """Sums over an entity's pairs with the other side; `background` is these entities' background, or None."""
        return Against(self, other, background)

    def totals(self, other: Expectations) -> "Totals":
        """The sums for all entities at once, over a part of the other side."""
        products = None if other.products is None else self.sum(0, len(self), other.products, self.weights)
        return Totals(self.sum(0, len(self), other.means, self.pulls), products, other.shared)

    def sum(self, first: int, last: int, table: Tensor, values: Tensor | None) -> Tensor:
        """Sums over the rows of the entities `first` to `last`.

        Args:
            first, last: the first entity and the one after the last.
            table: (m, k), a row for each entity of the other side.
            values: (rows,) its factor in each row, or None for 1.

        Returns:
            (last - first, k).
        """
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
        other: the other side.
        background: of the entities, or None.
    """

    rows: Groups
    other: Expectations
    background: Background | None

    def __len__(self) -> int:
        return len(self.rows)

    def statistics(self, first: int, last: int) -> tuple[Tensor, Tensor]:
        """Compute the sums for the entities `first` to `last`; shapes as for `Sums`."""
        rows, other = self.rows, self.other
        pulled = rows.sum(first, last, other.means, rows.pulls)
        if other.products is not None:
            return rows.sum(first, last, other.products, rows.weights).double(), pulled
        return _with_background(self.background, other.shared, pulled, first, last)


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

    def cut(self, ends: Sequence[tuple[int, int]]) -> list["Totals"]:
        """The sums of some entities at a time; each of `ends` is the first entity and the one after the last."""
        return [
            Totals(
                self.pulls[first:last],
                None if self.products is None else self.products[first:last],
                None if self.shared is None else replace(self.shared),
            )
            for first, last in ends
        ]

    def of(self, background: Background | None) -> "AllTotals":
        """The sums as `Sums`; `background` is the entities' background, or None."""
        return AllTotals(self, background)


@dataclass(frozen=True)
class AllTotals:
    """Sums over all of the other side.

    Attributes:
        totals: over logged rows, with the sums that the background's sums are built from.
        background: of the entities, or None.
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
        return _with_background(self.background, self.totals.shared, pulled, first, last)


def _with_background(
    background: Background | None, shared: BackgroundSums | None, pulled: Tensor, first: int, last: int
) -> tuple[Tensor, Tensor]:
    """Sums over all pairs, from `shared` over the other side and `pulled` over logged rows; shapes as for `Sums`."""
    if background is None or shared is None:
        raise ValueError("there are neither sums of products nor a background")
    products, constant = background.statistics(shared, first, last)
    return products, pulled + constant
