"""Which users and items a simulated or test world has."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darlr.errors import InputError

ABSENT = -1
"""The row or column of a user or item that the world lacks."""


@dataclass(frozen=True)
class World:
    """The users and items of a simulated or test world, as indices into a log's vocabularies.

    Attributes:
        users: (n_users,) int64, row -> index in the log's users.
        items: (n_items,) int64, column (an action) -> index in the log's items.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name, indices in (("users", self.users), ("items", self.items)):
            if len(indices) == 0:
                raise InputError(f"the test world has no {name}; expected at least one")
            if len(np.unique(indices)) != len(indices):
                raise InputError(f"the test world names one of its {name} twice; expected each once")

    @property
    def n_users(self) -> int:
        return len(self.users)

    @property
    def n_items(self) -> int:
        return len(self.items)

    def rows(self, vocabulary: int) -> NDArray[np.int64]:
        """(vocabulary,) the row of every user of a log with so many users, `ABSENT` for those whom the world lacks."""
        return _inverse(self.users, vocabulary)

    def columns(self, vocabulary: int) -> NDArray[np.int64]:
        """(vocabulary,) the column of every item of a log with so many items, `ABSENT` for those that the world lacks."""
        return _inverse(self.items, vocabulary)


def _inverse(indices: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    place = np.full(size, ABSENT, dtype=np.int64)
    place[indices] = np.arange(len(indices))
    return place
