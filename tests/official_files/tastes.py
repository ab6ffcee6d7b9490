"""Tastes of users, and ratings that reveal them."""

import numpy as np
from numpy.typing import NDArray

from tests.official_files.tables import Integers

FACTORS = 4
NOISE = 0.5


class Tastes:
    """How much users like items: sums of products of four factors, with mean 0 and variance 1."""

    def __init__(self, n_users: int, n_items: int, random: np.random.Generator) -> None:
        self._users = random.standard_normal((n_users, FACTORS)).astype(np.float32) / np.float32(np.sqrt(FACTORS))
        self._items = random.standard_normal((n_items, FACTORS)).astype(np.float32)

    def of(self, users: Integers, items: Integers) -> NDArray[np.float32]:
        """Return (n,) tastes for pairs of positions."""
        score = np.zeros(len(users), np.float32)
        for factor in range(FACTORS):
            score += self._users[users, factor] * self._items[items, factor]
        return score

    def stars(self, users: Integers, items: Integers) -> NDArray[np.float64]:
        """Return (n,) mean ratings of the users, about 1..5."""
        return 3.0 + self.of(users, items).astype(np.float64)

    def rate(self, users: Integers, items: Integers, random: np.random.Generator) -> Integers:
        """Return (n,) whole ratings 1..5, with some noise."""
        noisy = self.stars(users, items) + NOISE * random.standard_normal(len(users))
        return np.clip(np.rint(noisy), 1, 5).astype(np.int64)


def choose_items(
    counts: Integers,
    popularity: NDArray[np.float64],
    owners: Integers,
    random: np.random.Generator,
    excluded: NDArray[np.bool_] | None = None,
) -> tuple[Integers, Integers]:
    """Draw distinct items for every user, popular ones more often; by user, unordered.

    Args:
        counts: (U,) number of items of each user; at most those not excluded, and at least those that it owns.
        popularity: (I,) logarithms of the items' frequencies, up to a constant.
        owners: (I,) a user that has the item in any case.
        excluded: (U, I) items that a user may not have, none of which it owns.
    """
    n_users, n_items = len(counts), len(popularity)
    key = popularity.astype(np.float32) - np.log(random.standard_exponential((n_users, n_items), dtype=np.float32) + 1e-30)
    if excluded is not None:
        key[excluded] = -np.inf
    key[owners, np.arange(n_items)] = np.inf
    ranked = np.argsort(-key, axis=1)
    user, rank = np.nonzero(np.arange(n_items) < counts[:, None])
    return user, ranked[user, rank]
