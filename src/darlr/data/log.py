"""The training interactions."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from darlr.data.exposure import Exposure
from darlr.data.signals import Signals
from darlr.data.tallies import count_each, count_partners, distinct
from darlr.errors import InputError

Ids = NDArray[np.int64] | NDArray[np.object_]
"""Raw ids: int64, or Python strings (dtype object), so that one long id does not lengthen all others."""


def text_ids(texts: Iterable[str]) -> NDArray[np.object_]:
    """Return (n,) raw ids that are text."""
    return np.fromiter(texts, dtype=object)


def require_unique(ids: Ids, what: str) -> None:
    """Raise `InputError` if a raw id (of n,) occurs twice in a vocabulary."""
    values, counts = np.unique(ids, return_counts=True)
    if len(values) != len(ids):
        raise InputError(f"{what}: id {values[counts > 1][0]!s} stands more than once; expected each once")


@dataclass(frozen=True)
class InteractionLog:
    """Recommendations and the users' reactions to them, the only feedback that learning may use.

    Shapes: n interactions, U users, I items. Users and items are indices into the raw ids.

    Attributes:
        users: (n,) int32, each in 0..U-1.
        items: (n,) int32, each in 0..I-1.
        rewards: (n,) float32, finite, inside `reward_range`.
        times: (n,) float64 seconds (or any increasing clock), or None if the source has no time.
        user_ids: (U,) raw ids, integers or strings, unique.
        item_ids: (I,) raw ids, integers or strings, unique.
        reward_range: smallest and largest reward that a user can give (1 and 5 for stars).
        positive_only: whether the log holds positive feedback alone, so that pairs outside it are unknown, not zero.
        positive_threshold: rewards of at least this value count as liked (used for dominant categories and static lists).
        likes: (n,) bool, whether a row counts as liked, if that does not depend on the reward alone, else None.
        exposure: records of how the n rows came to be shown, or None.
        signals: name -> (n,) the signals whose weighted sum the rewards are; empty if the rewards are given as such.

    Raises:
        InputError: if any of the above does not hold, or the log is empty.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    rewards: NDArray[np.float32]
    times: NDArray[np.float64] | None
    user_ids: Ids
    item_ids: Ids
    reward_range: tuple[float, float]
    positive_only: bool = False
    positive_threshold: float = float("-inf")
    likes: NDArray[np.bool_] | None = None
    exposure: Exposure | None = None
    signals: Signals = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.users)
        if n == 0:
            raise InputError("the interaction log is empty; expected at least one row")
        columns = {"items": self.items, "rewards": self.rewards, "times": self.times, "likes": self.likes, **self.signals}
        for name, column in columns.items():
            if column is not None and column.shape != (n,):
                raise InputError(f"the interaction log's {name} have shape {column.shape}; expected ({n},) like its users")
        if self.exposure is not None and len(self.exposure) != n:
            raise InputError(f"the interaction log's exposure has {len(self.exposure)} rows; expected {n} like its users")
        for name, column, size in (("users", self.users, self.n_users), ("items", self.items, self.n_items)):
            if column.min() < 0 or column.max() >= size:
                raise InputError(f"the interaction log's {name} lie in {column.min()}..{column.max()}; expected 0..{size - 1}")
        low, high = self.reward_range
        if not low < high:
            raise InputError(f"the reward range is {low}..{high}; expected the smaller reward first")
        if not np.isfinite(self.rewards).all():
            raise InputError(f"the interaction log's reward in row {int(np.argmin(np.isfinite(self.rewards)))} is not finite")
        if self.rewards.min() < low or self.rewards.max() > high:
            found = f"{self.rewards.min():g}..{self.rewards.max():g}"
            raise InputError(f"the interaction log's rewards lie in {found}; expected {low:g}..{high:g}")
        if self.times is not None and not np.isfinite(self.times).all():
            raise InputError(f"the interaction log's time in row {int(np.argmin(np.isfinite(self.times)))} is not finite")
        require_unique(self.user_ids, "users")
        require_unique(self.item_ids, "items")

    def __len__(self) -> int:
        return len(self.users)

    @property
    def n_users(self) -> int:
        """U, the number of users."""
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        """I, the number of items."""
        return len(self.item_ids)

    @property
    def liked(self) -> NDArray[np.bool_]:
        """(n,) bool: whether a row counts as liked."""
        return self.rewards >= self.positive_threshold if self.likes is None else self.likes

    def cells(self) -> NDArray[np.int64]:
        """Return (m,) the pairs of user u and item i that have rows, each once as u * I + i, in rising order."""
        return distinct(self.users, self.items, self.n_items)

    def audience_shares(self) -> NDArray[np.float64]:
        """Return (I,) for each item the share of users who have a row of it, among the users with rows."""
        audience = count_partners(self.users, self.items, self.n_items)
        return np.asarray(audience / np.count_nonzero(count_each(self.users, self.n_users)), np.float64)

    def rows(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> "InteractionLog":
        """Return the log with the chosen rows alone, over the same vocabularies; `chosen` is (m,) indices or an (n,) mask."""
        return replace(
            self,
            users=self.users[chosen],
            items=self.items[chosen],
            rewards=self.rewards[chosen],
            times=None if self.times is None else self.times[chosen],
            likes=None if self.likes is None else self.likes[chosen],
            exposure=None if self.exposure is None else self.exposure.rows(chosen),
            signals={name: values[chosen] for name, values in self.signals.items()},
        )
