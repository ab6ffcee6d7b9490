"""Policies that learn nothing while they recommend: what a user would pick instead."""

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import Scorer, behind, mask_logits
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.rewards.source import Window
from darlr.simulator.categories import CategoryMemory

ITEM_MEAN_STRENGTH = 5.0
"""Ratings of the overall mean that every item is granted before its own are counted."""


class TableScorer(Scorer):
    """Scores that depend on the user and the item alone."""

    def __init__(self, table: Tensor) -> None:
        """Args: table: (n_users, n_items), or (1, n_items) for one list that serves everybody."""
        self._table = table

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        scores = self._table.expand(len(users), -1) if len(self._table) == 1 else self._table[users]
        return mask_logits(scores, blocked)


class SkippingScorer(Scorer):
    """Another scorer's list without the items that share a category with one of the last N."""

    def __init__(self, scorer: TableScorer, membership: Tensor, window: int) -> None:
        """Args: membership: (n_items, C) bool; window: N."""
        self._scorer, self._window = scorer, window
        self._categories = CategoryMemory(membership)

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        skipped = self._categories.shares(window.last(self._window).items)
        return mask_logits(behind(self._scorer(users, window), skipped), blocked)


def popularity(dataset: Dataset) -> Tensor:
    """(1, n_items) how often the log's users liked each item of the world."""
    log = dataset.log
    counts = np.bincount(log.items[log.liked], minlength=log.n_items)
    return torch.from_numpy(counts[dataset.world.items].astype(np.float32))[None]


def item_means(dataset: Dataset) -> Tensor:
    """(1, n_items) each item's mean reward in the log, shrunk towards the mean of all by `ITEM_MEAN_STRENGTH` ratings."""
    return torch.from_numpy(shrunk_means(dataset.log)[dataset.world.items])[None]


def shrunk_means(log: InteractionLog) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """(I,) float32."""
    totals = np.bincount(log.items, log.rewards, minlength=log.n_items)
    counts = np.bincount(log.items, minlength=log.n_items)
    overall = float(log.rewards.mean(dtype=np.float64))
    return ((totals + ITEM_MEAN_STRENGTH * overall) / (counts + ITEM_MEAN_STRENGTH)).astype(np.float32)
