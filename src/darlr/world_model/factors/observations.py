"""The rows of a fit, grouped by user and by item, and the sums that the entities of a side learn from.

If a log holds positives alone, every pair that it lacks counts as the lowest reward, with the weight of its user. These
pairs are never listed. They enter all sums through one sum over each side (Hu, Koren & Volinsky, ICDM 2008).
"""

from dataclasses import dataclass
from typing import Self

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

    def total(self, table: Tensor, first: int, last: int) -> Tensor:
        """(last - first, c) sums of weight times the rows of `table` (m, c), for the entities `first` to `last`."""
        everybody, apart = self.other @ table, (self.other * self.other_apart) @ table
        return self.own[first:last, None] * (everybody - self.own_apart[first:last, None] * apart)

    @property
    def weight(self) -> float:
        """The sum of the weights of all pairs."""
        apart = (self.own * self.own_apart).sum() * (self.other * self.other_apart).sum()
        return float(self.own.sum() * self.other.sum() - apart)

    def turned(self) -> "Background":
        """The same pairs with the two sides exchanged."""
        return Background(self.other, self.own, self.other_apart, self.own_apart, self.target)


@dataclass(frozen=True)
class Groups:
    """Rows in the order of one side's n entities.

    Attributes:
        starts: n + 1 positions: the rows of entity e are starts[e] to starts[e + 1].
        offsets: (n,) int32, the same on the device, without the end.
        members: (rows,) int32, the other side's entity of each row.
        weights: (rows,) float32, or None if all weights are 1.
        pulls: (rows,) float64, weight times target. With a background: weight times the target's difference from the
            background's.
        background: or None.
    """

    starts: list[int]
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
            starts=starts.tolist(),
            offsets=starts[:-1].int(),
            members=members[order].int(),
            weights=None if weights is None else weights[order].float(),
            pulls=pulls[order],
            background=background,
        )

    def __len__(self) -> int:
        return len(self.offsets)

    def summed(self, products: Tensor) -> Tensor:
        """The other side's `products` (m, p) as `statistics` sums them: in single precision, but for a background's.

        The precision is single without a background, which is five times as fast. A prior's precision is added to the sum
        before the inversion, so an error of some millionths stays that small. The error does not depend on the targets.
        """
        return products.float() if self.background is None else products

    def statistics(self, first: int, last: int, means: Tensor, products: Tensor) -> tuple[Tensor, Tensor]:
        """Sums over the pairs of the entities `first` to `last`.

        Args:
            means: (m, e) E h of the other side.
            products: (m, p) the distinct entries of E h h', as `summed` gives them.

        Returns:
            (last - first, p) sums of weight times E h h', and (last - first, e) sums of weight times target times E h.
        """
        pulled = self._sum(first, last, means, self.pulls)
        if self.background is None:
            return self._sum(first, last, products, self.weights).double(), pulled
        pulled += self.background.target * self.background.total(means, first, last)
        return self.background.total(products, first, last), pulled

    def _sum(self, first: int, last: int, table: Tensor, values: Tensor | None) -> Tensor:
        rows = slice(self.starts[first], self.starts[last])
        offsets = self.offsets[first:last] - self.starts[first]
        chosen = None if values is None else values[rows]
        return F.embedding_bag(self.members[rows], table, offsets, mode="sum", per_sample_weights=chosen)


@dataclass(frozen=True)
class Observations:
    """The data of a fit: pairs of U users and I items, targets of mean about 0 and variance about 1.

    Attributes:
        by_user, by_item: the rows.
        rows: how many were logged.
        weight: sum of the pairs' weights.
        square: sum of weight times squared target over all pairs.
    """

    by_user: Groups
    by_item: Groups
    rows: int
    weight: float
    square: float

    @classmethod
    def rated(
        cls, users: Tensor, items: Tensor, targets: Tensor, user_weights: Tensor | None, n_users: int, n_items: int
    ) -> Self:
        """Logged rows alone.

        Args: users, items: (rows,) int64; targets: (rows,) float64; user_weights: (U,) float64, or None where all weigh 1.
        """
        weights = None if user_weights is None else user_weights[users]
        pulls = targets if weights is None else weights * targets
        return cls(
            by_user=Groups.of(users, items, n_users, weights, pulls, None),
            by_item=Groups.of(items, users, n_items, weights, pulls, None),
            rows=len(users),
            weight=float(len(users) if weights is None else weights.sum()),
            square=float((pulls * targets).sum()),
        )

    @classmethod
    def against_background(cls, users: Tensor, items: Tensor, targets: Tensor, background: Background) -> Self:
        """Logged rows, no pair twice and none left out, among all pairs of `background`, which is the users'."""
        weights, target = background.own[users], background.target
        pulls = weights * (targets - target)
        return cls(
            by_user=Groups.of(users, items, len(background.own), None, pulls, background),
            by_item=Groups.of(items, users, len(background.other), None, pulls, background.turned()),
            rows=len(users),
            weight=background.weight,
            square=float((weights * (targets.square() - target**2)).sum()) + background.weight * target**2,
        )
