"""The liked pairs, a user with an item that the user liked, from which supervised recommenders learn; each has a weight.

The methods were published for feedback without grades. From a log of ratings they get the liked pairs alone, with

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
"""Smallest weight of a liked pair; else a pair that was liked at the smallest reward would count nothing."""


def liking_threshold(log: InteractionLog) -> float:
    """The smallest reward of a liked row: the log's own threshold, or the mean of its rewards if it has none."""
    return float(log.rewards.mean(dtype=np.float64)) if math.isinf(log.positive_threshold) else log.positive_threshold


def liked_rows(log: InteractionLog) -> NDArray[np.bool_]:
    """The rows that count as liked, (n,) bool; all of them if rewards carry no information."""
    if log.likes is not None:
        return log.likes
    return np.ones(len(log), bool) if is_implicit(log) else log.rewards >= liking_threshold(log)


def nothing_liked(log: InteractionLog) -> str:
    """The reason if no row counts as liked, else an empty string."""
    return "" if liked_rows(log).any() else "no row of the log counts as liked"


@dataclass(frozen=True)
class Preferences:
    """The m liked pairs, each once, ordered by user and then by item.

    Attributes:
        users, items: (m,) int64, indices into the log's vocabularies.
        weights: (m,) float32 in 0.1..1.
        moments: (m,) float64, the time at which the pair was last liked; 0 if the log has no time.
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
        """The liked pairs of `log`; there may be none."""
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
        """The number of pairs of each user, (n_users,)."""
        return torch.bincount(self.users, minlength=self.n_users)

    def chosen(self, places: Tensor) -> "Preferences":
        """The pairs at `places`, (k,) rising or (m,) bool, over the same vocabularies."""
        columns = (self.users, self.items, self.weights, self.moments)
        users, items, weights, moments = (column[places] for column in columns)
        return replace(self, users=users, items=items, weights=weights, moments=moments)

    def turned(self) -> "Preferences":
        """The same pairs with users and items exchanged, ordered by item and then by user."""
        order = torch.argsort(self.items, stable=True)
        columns = (self.items, self.users, self.weights, self.moments)
        users, items, weights, moments = (column[order] for column in columns)
        return Preferences(users, items, weights, moments, self.n_items, self.n_users)

    def matrix(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """The weights of the pairs as a sparse matrix (n_users, n_items)."""
        places = torch.stack([self.users, self.items])
        shape = (self.n_users, self.n_items)
        return torch.sparse_coo_tensor(places, self.weights.to(dtype), shape, is_coalesced=True, check_invariants=False)

    def rows(self, users: Tensor) -> Tensor:
        """The weights of the pairs of `users` (B,) as a dense matrix (B, n_items)."""
        starts = torch.searchsorted(self.users, users)
        counts = torch.searchsorted(self.users, users, right=True) - starts
        row = torch.repeat_interleave(torch.arange(len(users)), counts)
        place = torch.arange(len(row)) + torch.repeat_interleave(starts - counts.cumsum(0) + counts, counts)
        dense = torch.zeros(len(users), self.n_items)
        dense[row, self.items[place]] = self.weights[place]
        return dense
