"""What every kind of estimates answers: cells, rows, blocks of rows, and each user's best items."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

CELLS_AT_ONCE = 4_000_000
"""Pairs of a user and an item that are in memory together while a whole world is walked through."""


class Estimates(ABC):
    """A number for every user and item of a world, as an estimated reward or its variance. `len()` is the number of users.

    Attributes:
        n_users, n_items: the world's size.
        device: where answers lie.
    """

    n_users: int
    n_items: int
    device: torch.device

    def __len__(self) -> int:
        return self.n_users

    @abstractmethod
    def cells(self, users: Tensor, items: Tensor) -> Tensor:
        """Float32 of the pairs of `users` and `items`, rows and columns of the world, whose shapes are broadcast."""

    @abstractmethod
    def rows(self, users: Tensor) -> Tensor:
        """(n, n_items) float32 of all items for `users` (n,)."""

    def table(self) -> Tensor:
        """(n_users, n_items) float32, all of them; nobody may write to it."""
        return torch.cat([rows for _, rows in self.blocks()])

    def blocks(self) -> Iterator[tuple[slice, Tensor]]:
        """All rows, as many at a time as `CELLS_AT_ONCE` allows, with their places."""
        step = max(1, CELLS_AT_ONCE // self.n_items)
        for first in range(0, self.n_users, step):
            place = slice(first, min(first + step, self.n_users))
            yield place, self._block(place)

    def _block(self, place: slice) -> Tensor:
        """Neighbouring rows."""
        return self.rows(torch.arange(place.start, place.stop, device=self.device))

    def bounds(self) -> tuple[float, float]:
        """Numbers that no cell lies below or above: the smallest and the largest cell, or what is known of them beforehand."""
        extremes = torch.tensor([[float(end) for end in rows.aminmax()] for _, rows in self.blocks()], dtype=torch.float64)
        return float(extremes[:, 0].min()), float(extremes[:, 1].max())

    def means(self) -> Tensor:
        """(n_users,) of each user's row."""
        return torch.cat([rows.mean(dim=1) for _, rows in self.blocks()])

    def top(self, users: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The `count` largest numbers of `users` (n,) and their items, (n, count) each, largest first; all of fewer items."""
        step = max(1, CELLS_AT_ONCE // self.n_items)
        best = [self.rows(part).topk(min(count, self.n_items), dim=1) for part in torch.split(users, step)]
        return torch.cat([each.values for each in best]), torch.cat([each.indices for each in best])
