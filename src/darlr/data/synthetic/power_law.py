"""Power laws: frequencies of users and of items, and draws in proportion to them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


def shares(ranks: NDArray[np.int64], skew: float) -> NDArray[np.float64]:
    """Return (n,) the share of each entity, in proportion to rank ** -skew.

    Args:
        ranks: (n,) from 1, the most frequent.
        skew: the exponent.
    """
    weights: NDArray[np.float64] = ranks.astype(np.float64) ** -skew
    weights /= weights.sum()
    return weights


def quotas(weights: NDArray[np.float64], total: int, most: int) -> NDArray[np.int64]:
    """Return (n,) whole numbers from 1 to `most` whose sum is `total`, in proportion to `weights` as far as the limits allow.

    Args:
        weights: (n,) above 0.
        total: from n to n * most.
        most: the largest number.
    """
    low, high = 0.0, total * max(1.0, float(most / (weights.min() * total)))
    for _ in range(200):  # bisection: the sum rises with the factor
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(weights * middle, 1, most).sum() < total else (low, middle)
    ideal = np.clip(weights * high, 1, most)
    whole = np.floor(ideal).astype(np.int64)
    lacking = total - int(whole.sum())
    order = np.argsort(whole - ideal, kind="stable")  # the largest remainders first
    while lacking > 0:
        more = order[whole[order] < most][:lacking]
        whole[more] += 1
        lacking -= len(more)
    while lacking < 0:  # rounding errors of the bisection
        fewer = order[::-1][whole[order[::-1]] > 1][:-lacking]
        whole[fewer] -= 1
        lacking += len(fewer)
    return whole


@dataclass(frozen=True)
class Alias:
    """Draws one of n entities in proportion to given shares, in constant time (Walker 1977, Vose 1991).

    Attributes:
        kept: (n,) float32, the probability that an entity is kept when its own column is drawn.
        other: (n,) int32, the entity that is taken otherwise.
    """

    kept: NDArray[np.float32]
    other: NDArray[np.int32]

    @classmethod
    def of(cls, shares: NDArray[np.float64]) -> Self:
        """Prepare draws with the `shares` (n,)."""
        n = len(shares)
        mass = (shares * n).tolist()
        kept, other = np.ones(n, np.float32), np.arange(n, dtype=np.int32)
        small = [place for place, value in enumerate(mass) if value < 1]
        large = [place for place, value in enumerate(mass) if value >= 1]
        while small and large:
            low, high = small.pop(), large[-1]
            kept[low], other[low] = mass[low], high
            mass[high] -= 1 - mass[low]
            if mass[high] < 1:
                small.append(large.pop())
        return cls(kept, other)

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.int32]:
        """Draw entities in 0..n-1, in the given `shape`."""
        column = random.integers(len(self.kept), size=shape, dtype=np.int32)
        return np.where(random.random(shape, dtype=np.float32) < self.kept[column], column, self.other[column])
