"""What the supervised recommenders learn from: the pairs of a user and an item that the user liked, each with a weight.

They were published for feedback without grades. Of a log of ratings they get the liked pairs alone, with

    w_ui = max((r_ui - low) / (high - low), 0.1),

r_ui being the mean reward of the pair's liked rows and low..high the range of rewards, so that a pair counts the more, the
better it was received. A pair that was rated and not liked counts as one without a row. Where all rewards are alike, or the log
holds positives alone, w_ui is 1.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.data.log import InteractionLog
from darlr.world_model.factors.problem import is_implicit

LEAST_WEIGHT = 0.1
"""Of a liked pair: one that was liked for the smallest reward would else count nothing."""


def liking_threshold(log: InteractionLog) -> float:
    """The reward from which on a row counts as liked: the log's own, or the mean of its rewards where it says none."""
    return float(log.rewards.mean(dtype=np.float64)) if math.isinf(log.positive_threshold) else log.positive_threshold


def liked_rows(log: InteractionLog) -> NDArray[np.bool_]:
    """(n,) the rows that count as liked; all of them where rewards tell nothing."""
    if log.likes is not None:
        return log.likes
    return np.ones(len(log), bool) if is_implicit(log) else log.rewards >= liking_threshold(log)


def nothing_liked(log: InteractionLog) -> str:
    """Why nothing can be learned from what users liked, or nothing."""
    return "" if liked_rows(log).any() else "no row of the log counts as liked"


@dataclass(frozen=True)
class Preferences:
    """m liked pairs, each once, ordered by user and then by item.

    Attributes:
        users, items: (m,) int64, indices into the log's vocabularies.
        weights: (m,) float32 in 0.1..1.
        moments: (m,) float64, when the pair was liked last; 0 where the log has no time.
        n_users, n_items: sizes of the vocabularies.
    """

    users: Tensor
    items: Tensor
    weights: Tensor
    moments: Tensor
    n_users: int
    n_items: int

    @classmethod
    def of(cls, log: InteractionLog) -> Self:
        """Those of `log`; there may be none."""
        rows = np.flatnonzero(liked_rows(log))
        cells = log.users[rows].astype(np.int64) * log.n_items + log.items[rows]
        pairs, place, counts = np.unique(cells, return_inverse=True, return_counts=True)
        weights, moments = np.ones(len(pairs)), np.zeros(len(pairs))
        if not is_implicit(log):
            low, high = log.reward_range
            weights = np.bincount(place, (log.rewards[rows] - low) / (high - low), minlength=len(pairs)) / counts
        if log.times is not None:
            moments = np.full(len(pairs), -np.inf)
            np.maximum.at(moments, place, log.times[rows])
        return cls(
            torch.from_numpy(pairs // log.n_items),
            torch.from_numpy(pairs % log.n_items),
            torch.from_numpy(weights.clip(LEAST_WEIGHT).astype(np.float32)),
            torch.from_numpy(moments),
            log.n_users,
            log.n_items,
        )

    def __len__(self) -> int:
        return len(self.users)

    @property
    def counts(self) -> Tensor:
        """(n_users,) how many pairs each user has."""
        return torch.bincount(self.users, minlength=self.n_users)

    def chosen(self, places: Tensor) -> "Preferences":
        """The pairs at `places`, (k,) rising or (m,) bool, over the same vocabularies."""
        columns = (self.users, self.items, self.weights, self.moments)
        users, items, weights, moments = (column[places] for column in columns)
        return replace(self, users=users, items=items, weights=weights, moments=moments)

    def turned(self) -> "Preferences":
        """The same with users for items, ordered by item and then by user."""
        order = torch.argsort(self.items, stable=True)
        columns = (self.items, self.users, self.weights, self.moments)
        users, items, weights, moments = (column[order] for column in columns)
        return Preferences(users, items, weights, moments, self.n_items, self.n_users)

    def matrix(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """(n_users, n_items) sparse, the weights of the pairs."""
        places = torch.stack([self.users, self.items])
        shape = (self.n_users, self.n_items)
        return torch.sparse_coo_tensor(places, self.weights.to(dtype), shape, is_coalesced=True, check_invariants=False)

    def rows(self, users: Tensor) -> Tensor:
        """(B, n_items) dense, the weights of the pairs of `users` (B,)."""
        starts = torch.searchsorted(self.users, users)
        counts = torch.searchsorted(self.users, users, right=True) - starts
        row = torch.repeat_interleave(torch.arange(len(users)), counts)
        place = torch.arange(len(row)) + torch.repeat_interleave(starts - counts.cumsum(0) + counts, counts)
        dense = torch.zeros(len(users), self.n_items)
        dense[row, self.items[place]] = self.weights[place]
        return dense
