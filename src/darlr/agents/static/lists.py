"""Lists that the log gives without a model: (1, n_items) scores, one list for everybody."""

import numpy as np
import torch
from torch import Tensor

from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog

ITEM_MEAN_STRENGTH = 5.0
"""Ratings of the overall mean that every item is granted before its own are counted."""


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
