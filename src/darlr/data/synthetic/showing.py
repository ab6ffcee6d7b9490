"""The choice of the log's items in a world that is too large for a table of all users and items.

At each step a user is offered `OFFERS` items, by popularity or uniformly, and takes one of them in proportion to
exp(strength * weight). The weight is the taste for the item, its true reward, or 0. A user has an item once: an item that
was taken before is not taken again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darlr.data.factored import FactoredRewards
from darlr.data.synthetic.latent import Floats, Latent
from darlr.data.synthetic.power_law import Alias

OFFERS = 8
TASTE_WEIGHT = np.float32(0.5)
STEPS_AT_ONCE = 1 << 17  # bounds the memory: each step takes OFFERS offers of a few hundred bytes
TINY = np.finfo(np.float32).tiny

Pairs = tuple[NDArray[np.int32], NDArray[np.int32]]


@dataclass(frozen=True)
class Showing:
    """How pairs of a user and an item enter the log.

    Attributes:
        latent: tastes of users and traits of items.
        truth: the true rewards.
        offers: draws the offered items.
        by_taste, by_truth: how strongly a user chooses by taste, and by true reward (in standard deviations of the truth);
            0: not at all.
    """

    latent: Latent
    truth: FactoredRewards
    offers: Alias
    by_taste: float
    by_truth: float

    def draw(self, users: NDArray[np.int32], random: np.random.Generator) -> Pairs:
        """Draw a distinct item for every entry of `users`, which are in rising order, each repeated for its rows.

        No user may have more entries than half of the items, or the draws take too long.

        Returns:
            (n,) users, rising, and (n,) their items.
        """
        had = np.zeros(0, np.int64)
        n_items = self.latent.n_items
        waiting = users
        while len(waiting):
            starts = range(0, len(waiting), STEPS_AT_ONCE)
            taken = np.concatenate([self._take(waiting[start : start + STEPS_AT_ONCE], had, random) for start in starts])
            fresh = np.sort(taken[taken >= 0])
            fresh = fresh[np.diff(fresh, prepend=-1) > 0]
            had = np.sort(np.concatenate([had, fresh]))
            waiting = _lacking(users, (had // n_items).astype(np.int32))
        return (had // n_items).astype(np.int32), (had % n_items).astype(np.int32)

    def _take(self, users: NDArray[np.int32], had: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
        """Return (n,) the pair user * I + item that each step takes; -1 if all offered items were taken before.

        Args:
            users: (n,) rising.
            had: (m,) pairs taken before, rising.
            random: draws offers and choices.
        """
        items = self.offers.draw((len(users), OFFERS), random)
        scores = self._weights(users, items)
        # The item with the largest log-weight plus Gumbel noise (-log of an exponential) is a draw in proportion to the
        # weights.
        scores -= np.log(np.maximum(random.standard_exponential(scores.shape, dtype=np.float32), TINY))
        pairs = users[:, None].astype(np.int64) * self.latent.n_items + items
        if len(had):
            place = np.minimum(np.searchsorted(had, pairs), len(had) - 1)
            scores[had[place] == pairs] = -np.inf
        best = np.argmax(scores, axis=1)[:, None]
        usable = np.isfinite(np.take_along_axis(scores, best, axis=1)[:, 0])
        return np.where(usable, np.take_along_axis(pairs, best, axis=1)[:, 0], -1)

    def _weights(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> Floats:
        """Return (n, OFFERS) log-weights of the items offered to each of `users` (n,)."""
        if self.by_taste:
            tastes = np.float32(self.by_taste) * TASTE_WEIGHT * self.latent.tastes[users]
            liking: Floats = np.einsum("nk,nok->no", tastes, self.latent.traits[items])
            return liking
        if self.by_truth:
            rewards = self.truth.cells(np.repeat(users, OFFERS), items.ravel()).reshape(items.shape)
            return np.float32(self.by_truth) * rewards
        return np.zeros(items.shape, np.float32)


def _lacking(wanted: NDArray[np.int32], served: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the entries of `wanted` that `served` lacks. Both are rising, and `wanted` has every entry of `served` at
    least as often.
    """
    first = int(wanted[0])
    missing = np.bincount(wanted - first)
    missing -= np.bincount(served - first, minlength=len(missing))
    return np.repeat(np.arange(first, first + len(missing), dtype=np.int32), missing)
