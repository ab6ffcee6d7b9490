"""Candidates: the items that a policy chooses among in an episode, if there are too many items to score all of them at every
step.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Generic, Self, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CELLS_AT_ONCE = 20_000_000
"""The number of user-item pairs that are scored at once; it bounds the memory of a search."""


@dataclass(frozen=True)
class Shortlist:
    """k candidates for each of B users. Attributes of subclasses are tensors with a row for each user, too.

    Attributes:
        items: (B, k) int64 columns of the world, ascending.
        repeated: (B, k) bool, places whose item is that of the place before; they may not be chosen.
        categories: (B, k, S) int64 categories of the items; unused places hold a category that no window counts.
    """

    items: Tensor
    repeated: Tensor
    categories: Tensor

    def rows(self, chosen: Tensor) -> Self:
        """Return the candidates of the users `chosen` (K,)."""
        return replace(self, **{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def shares(self, counts: Tensor, owners: Tensor | None = None) -> Tensor:
        """Return (m, k) 1 if an item has a category whose `counts` (m, C) are above 0, else 0.

        Args:
            counts: (m, C) counts of categories in windows.
            owners: (m,) the row, in 0..B-1, of each window's user; None: m is B, and each row is its own user's.
        """
        categories = self.categories if owners is None else self.categories[owners]
        found = F.pad(counts, (0, 1)).gather(1, categories.flatten(1)).view(categories.shape)
        return found.amax(dim=2).clamp_(max=1.0)


class Candidates(nn.Module):
    """Finds, for each user, the `count` best items before the episode, and the best ones of each category.

    An episode of T steps may have to go through all C categories in turn. That takes T / C items of each, rounded up, so
    these are always among the candidates. Hence a policy can keep users who leave over categories
    (docs/scaling.md).
    """

    _categories: Tensor
    _members: Tensor

    def __init__(self, membership: Tensor, count: int, max_steps: int, rows: Callable[[Tensor], Tensor]) -> None:
        """
        Args:
            membership: (n_items, C), whether an item has a category.
            count: number of best items.
            max_steps: T.
            rows: users (B,) -> (B, n_items) the numbers by which the best items are the best.
        """
        super().__init__()
        member = membership.bool().cpu()
        self.n_items, n_categories = member.shape
        self._count, self._rows = min(count, self.n_items), rows
        self._depth = -(-max_steps // n_categories) if n_categories else 0
        slots = int(member.sum(dim=1).max()) if n_categories else 0
        codes = torch.full((self.n_items, max(1, slots)), n_categories)
        items, columns = member.nonzero(as_tuple=True)
        first = torch.searchsorted(items, torch.arange(self.n_items))
        codes[items, torch.arange(len(items)) - first[items]] = columns
        self.register_buffer("_categories", codes, persistent=False)
        self.register_buffer("_members", member.T.nonzero()[:, 1].contiguous(), persistent=False)  # category by category
        self._sizes = [size for size in member.sum(dim=0).tolist() if size]

    @torch.no_grad()
    def of(self, users: Tensor) -> Shortlist:
        """Return the candidates of `users` (B,), rows of the world."""
        step = max(1, CELLS_AT_ONCE // self.n_items)
        return self.listed(torch.cat([self._best(part) for part in torch.split(users, step)]))

    def listed(self, items: Tensor) -> Shortlist:
        """Return the candidates `items` (B, k), ascending, in which items may be repeated."""
        return Shortlist(items, F.pad(items[:, 1:] == items[:, :-1], (1, 0)), self._categories[items])

    def _best(self, users: Tensor) -> Tensor:
        """Return (B, k) columns of the best items for `users` (B,), ascending."""
        rows = self._rows(users)
        best = [rows.topk(self._count, dim=1).indices]
        by_category = torch.split(rows.index_select(1, self._members), self._sizes, dim=1)
        for own, members in zip(by_category, torch.split(self._members, self._sizes), strict=True):
            best.append(members[own.topk(min(self._depth, len(members)), dim=1).indices])
        return torch.cat(best, dim=1).sort(dim=1).values


T = TypeVar("T")


class Kept(Generic[T]):
    """Keeps what was found for the last users, because an episode asks for the same users at every step."""

    def __init__(self, find: Callable[[Tensor], T]) -> None:
        """
        Args:
            find: distinct users (U,) -> what is kept, with a row for each.
        """
        self._find = find
        self._last: tuple[Tensor, T] | None = None

    def of(self, users: Tensor) -> tuple[T, Tensor]:
        """Return what was found for `users` (B,) and perhaps others, and the row (B,) of each user in it."""
        last = self._last
        if last is None or not bool(torch.isin(users, last[0]).all()):
            distinct: Tensor = torch.unique(users)
            last = self._last = distinct, self._find(distinct)
        return last[1], torch.searchsorted(last[0], users)
