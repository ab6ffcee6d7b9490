"""Some items of many users, stored as pairs; a matrix of users and items is made only for the users asked for."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.data.tallies import distinct


@dataclass(frozen=True)
class UserItems:
    """The items of each of q users.

    Attributes:
        first: (q + 1,) int64, the place of each user's first item, and the end.
        items: (m,) int64 columns of the world, user by user, each once and ascending.
        n_items: number of items of the world.
    """

    first: Tensor
    items: Tensor
    n_items: int

    @classmethod
    def of(
        cls,
        users: NDArray[np.int64],
        items: NDArray[np.int64],
        chosen: NDArray[np.int64],
        n_items: int,
        device: torch.device,
    ) -> Self:
        """Select, from the pairs `users`, `items` (m,), those of the `chosen` users (q,), which ascend."""
        place = np.searchsorted(chosen, users).clip(max=len(chosen) - 1)
        inside = chosen[place] == users
        rows, columns = np.divmod(distinct(place[inside], items[inside], n_items), n_items)
        first = np.searchsorted(rows, np.arange(len(chosen) + 1))
        return cls(torch.from_numpy(first).to(device), torch.from_numpy(columns).to(device), n_items)

    @property
    def counts(self) -> Tensor:
        """(q,) the number of items of each user."""
        return self.first.diff()

    def matrix(self, users: Tensor) -> Tensor:
        """Return (n, n_items) bool of the `users` (n,), given by their numbers 0..q-1."""
        counts = self.counts[users]
        rows = torch.repeat_interleave(counts)
        before = counts.cumsum(0) - counts
        places = torch.arange(len(rows), device=rows.device) + (self.first[users] - before)[rows]
        cells = torch.zeros(len(users), self.n_items, dtype=torch.bool, device=rows.device)
        cells[rows, self.items[places]] = True
        return cells
