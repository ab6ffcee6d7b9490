"""The steps of a log's sessions: after each, the user left or stayed."""

from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.data.dataset import Dataset
from darlr.data.sessions import Sessions
from darlr.world.categories import CategoryMemory
from darlr.world.shown import Shown, features

STEPS_AT_ONCE = 1 << 16
"""The number of steps whose features are computed at once; it bounds the memory."""


@dataclass(frozen=True)
class Decisions:
    """n steps, session by session; in each, a user left or stayed.

    Attributes:
        features: (n, F) float64, see `darlr.world.shown.features`.
        left: (n,) bool.
        users: (n,) int64, indices into the log's users.
        sessions: (n,) int64, rising.
        steps: (n,) int64, from 1 on.
    """

    features: Tensor
    left: Tensor
    users: Tensor
    sessions: Tensor
    steps: Tensor

    def __len__(self) -> int:
        return len(self.left)

    def of(self, chosen: Tensor) -> "Decisions":
        """Return the steps `chosen`, (n,) bool."""
        return Decisions(*(getattr(self, field.name)[chosen] for field in fields(self)))


def decisions_of(dataset: Dataset, sessions: Sessions, window: int, max_steps: int) -> Decisions:
    """Return the first `max_steps` steps of each of the `sessions`; a longer session counts as one that went on.

    Args:
        dataset: the data set whose log has the sessions.
        sessions: its sessions.
        window: N, the number of earlier items that the features look at.
        max_steps: the longest episode.
    """
    places, numbers = sessions.places, sessions.numbers
    last = np.flatnonzero(np.diff(numbers, append=-1))
    left = np.zeros(len(places), bool)
    left[last] = sessions.ended
    kept = np.flatnonzero(places < max_steps)
    rewards = _normalised(dataset)
    categories = CategoryMemory(torch.from_numpy(dataset.items.membership()))
    blocks = [
        features(_shown(dataset, sessions, rewards, places, kept[first : first + STEPS_AT_ONCE], window), categories).double()
        for first in range(0, len(kept), STEPS_AT_ONCE)
    ]
    return Decisions(
        features=torch.cat(blocks),
        left=torch.from_numpy(left[kept]),
        users=torch.from_numpy(sessions.users[numbers[kept]].astype(np.int64)),
        sessions=torch.from_numpy(numbers[kept]),
        steps=torch.from_numpy(places[kept] + 1),
    )


def _normalised(dataset: Dataset) -> NDArray[np.float32]:
    """Return (n,) the log's rewards, from 0, the smallest that a user can give, to 1."""
    low, high = dataset.log.reward_range
    return ((dataset.log.rewards - low) / (high - low)).astype(np.float32)


def _shown(
    dataset: Dataset,
    sessions: Sessions,
    rewards: NDArray[np.float32],
    places: NDArray[np.int64],
    at: NDArray[np.intp],
    window: int,
) -> Shown:
    """Return the steps at the positions `at` (B,) of the sessions' rows."""
    back = np.arange(window, 0, -1)
    known = back <= places[at, None]
    earlier = sessions.rows[np.maximum(at[:, None] - back, 0)]
    items, rows = dataset.log.items, sessions.rows[at]
    return Shown(
        items=torch.from_numpy(items[rows].astype(np.int64)),
        rewards=torch.from_numpy(rewards[rows]),
        recent=torch.from_numpy(np.where(known, items[earlier], dataset.log.n_items).astype(np.int64)),
        recent_rewards=torch.from_numpy(rewards[earlier]),
        steps=torch.from_numpy(places[at] + 1),
    )
