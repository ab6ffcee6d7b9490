"""The rows that factors are fitted on, grouped by user and by item, and what a side's entities learn from them.

Where a log holds positives alone, every pair that it lacks counts as a reward of the lowest kind, with the weight of its user.
These pairs are never listed: they enter all sums through one sum over each side (Hu, Koren & Volinsky, ICDM 2008).
"""

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Background:
    """All pairs of a side's n entities with the other side's m, at one target.

    Attributes:
        own: (n,) weights; a pair weighs the product of both.
        other: (m,) weights.
        target: y of every pair that is not logged.
    """

    own: Tensor
    other: Tensor
    target: float


@dataclass(frozen=True)
class Groups:
    """Rows in the order of one side's n entities.

    Attributes:
        starts: n + 1 positions: the rows of entity e are starts[e] to starts[e + 1].
        offsets: (n,) int32, the same on the device, without the end.
        members: (rows,) int32, the other side's entity of each row.
        weights: (rows,) float64, or None where all weigh 1.
        pulls: (rows,) float64, weight times target; with a background, weight times what the target is above the background's.
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
        """Group rows by `own` (rows,), each in 0..n-1; the other arguments are (rows,), too."""
        order = torch.argsort(own, stable=True)
        ends = torch.cumsum(torch.bincount(own, minlength=n), 0)
        starts = F.pad(ends, (1, 0))
        return cls(
            starts=starts.tolist(),
            offsets=starts[:-1].int(),
            members=members[order].int(),
            weights=None if weights is None else weights[order],
            pulls=pulls[order],
            background=background,
        )

    def __len__(self) -> int:
        return len(self.offsets)

    def statistics(self, first: int, last: int, means: Tensor, products: Tensor) -> tuple[Tensor, Tensor]:
        """Sums over the pairs of the entities `first` to `last`.

        Args:
            means: (m, e) E h of the other side.
            products: (m, p) the distinct entries of E h h'.

        Returns:
            (last - first, p) sums of weight times E h h', and (last - first, e) sums of weight times target times E h.
        """
        pulled = self._sum(first, last, means, self.pulls)
        if self.background is None:
            return self._sum(first, last, products, self.weights), pulled
        own = self.background.own[first:last, None]
        pulled += own * (self.background.target * (self.background.other @ means))
        return own * (self.background.other @ products), pulled

    def _sum(self, first: int, last: int, table: Tensor, values: Tensor | None) -> Tensor:
        rows = slice(self.starts[first], self.starts[last])
        offsets = self.offsets[first:last] - self.starts[first]
        chosen = None if values is None else values[rows]
        return F.embedding_bag(self.members[rows], table, offsets, mode="sum", per_sample_weights=chosen)


@dataclass(frozen=True)
class Observations:
    """All that is fitted: pairs of U users and I items, targets of mean about 0 and variance about 1.

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
    def against_background(
        cls, users: Tensor, items: Tensor, targets: Tensor, user_weights: Tensor, target: float, n_users: int, n_items: int
    ) -> Self:
        """Logged rows, no pair twice, among all pairs, the others at `target`; the other arguments are those of `rated`."""
        weights, every = user_weights[users], user_weights.new_ones(n_items)
        pulls = weights * (targets - target)
        return cls(
            by_user=Groups.of(users, items, n_users, weights, pulls, Background(user_weights, every, target)),
            by_item=Groups.of(items, users, n_items, weights, pulls, Background(every, user_weights, target)),
            rows=len(users),
            weight=float(user_weights.sum()) * n_items,
            square=float((weights * (targets.square() - target**2)).sum()) + float(user_weights.sum()) * n_items * target**2,
        )
