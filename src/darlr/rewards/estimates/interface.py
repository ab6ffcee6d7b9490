"""The interface of all estimates: cells, rows, blocks of rows, and each user's best items."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

CELLS_AT_ONCE = 4_000_000
"""The number of user-item pairs in memory while a whole world is processed in blocks."""


class Estimates(ABC):
    """A number for every user and item of a world, for example an estimated reward or its variance. `len()` is the number
    of users.

    Attributes:
        n_users, n_items: the world's size.
        device: the device of the answers.
    """

    n_users: int
    n_items: int
    device: torch.device

    def __len__(self) -> int:
        return self.n_users

    @abstractmethod
    def cells(self, users: Tensor, items: Tensor) -> Tensor:
        """Return float32 numbers of the pairs of `users` and `items`, rows and columns of the world; their shapes are
        broadcast.
        """

    @abstractmethod
    def rows(self, users: Tensor) -> Tensor:
        """Return (n, n_items) float32 numbers of all items for `users` (n,)."""

    def table(self) -> Tensor:
        """Return all numbers, (n_users, n_items) float32; they must not be written to."""
        return torch.cat([rows for _, rows in self.blocks()])

    def blocks(self) -> Iterator[tuple[slice, Tensor]]:
        """Yield all rows in blocks (k, n_items) of at most `CELLS_AT_ONCE` numbers, with their places."""
        step = max(1, CELLS_AT_ONCE // self.n_items)
        for first in range(0, self.n_users, step):
            place = slice(first, min(first + step, self.n_users))
            yield place, self._block(place)

    def _block(self, place: slice) -> Tensor:
        """Return neighbouring rows."""
        return self.rows(torch.arange(place.start, place.stop, device=self.device))

    def bounds(self) -> tuple[float, float]:
        """Return a lower and an upper bound of all cells: the smallest and largest cell, or bounds known beforehand."""
        extremes = torch.tensor([[float(end) for end in rows.aminmax()] for _, rows in self.blocks()], dtype=torch.float64)
        return float(extremes[:, 0].min()), float(extremes[:, 1].max())

    def means(self) -> Tensor:
        """Return (n_users,) the mean of each user's row."""
        return torch.cat([rows.mean(dim=1) for _, rows in self.blocks()])

    def top(self, users: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Return the `count` largest numbers of `users` (n,) and their items, (n, count) each, largest first; all if there
        are fewer.
        """
        step = max(1, CELLS_AT_ONCE // self.n_items)
        best = [self.rows(part).topk(min(count, self.n_items), dim=1) for part in torch.split(users, step)]
        return torch.cat([each.values for each in best]), torch.cat([each.indices for each in best])
