"""The users and items of a simulated or test world."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darlr.errors import InputError

ABSENT = -1
"""The row of a user, or the column of an item, that the world lacks."""


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
        """The number of users."""
        return len(self.users)

    @property
    def n_items(self) -> int:
        """The number of items."""
        return len(self.items)

    def rows(self, vocabulary: int) -> NDArray[np.int64]:
        """Return (vocabulary,) the world's row of every user of a log with `vocabulary` users; `ABSENT` for users outside
        the world.
        """
        return _inverse(self.users, vocabulary)

    def columns(self, vocabulary: int) -> NDArray[np.int64]:
        """Return (vocabulary,) the world's column of every item of a log with `vocabulary` items; `ABSENT` for items
        outside the world.
        """
        return _inverse(self.items, vocabulary)


def _inverse(indices: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    place = np.full(size, ABSENT, dtype=np.int64)
    place[indices] = np.arange(len(indices))
    return place
