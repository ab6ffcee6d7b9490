"""Lists that follow from the log without a model: scores (1, n_items), the same for every user."""

import numpy as np
import torch
from torch import Tensor

from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.world_model.factors.weighting import weighted_shares

ITEM_MEAN_STRENGTH = 5.0
"""The number of ratings at the overall mean that are added to every item's own."""

UNCHOSEN = 0.25
"""The number of standard deviations below the log's mean at which a user is taken to like an item that the user did not
rate.
"""


def popularity(dataset: Dataset) -> Tensor:
    """Return (1, n_items) the number of log rows in which a user liked the item."""
    log = dataset.log
    counts = np.bincount(log.items[log.liked], minlength=log.n_items)
    return torch.from_numpy(counts[dataset.world.items].astype(np.float32))[None]


def item_means(dataset: Dataset) -> Tensor:
    """Return (1, n_items) each item's mean reward in the log, shrunk towards the overall mean by `ITEM_MEAN_STRENGTH`
    ratings.
    """
    return torch.from_numpy(shrunk_means(dataset.log)[dataset.world.items])[None]


def shrunk_means(log: InteractionLog) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Return (I,) float32 shrunk mean rewards of all the log's items."""
    totals = np.bincount(log.items, log.rewards, minlength=log.n_items)
    counts = np.bincount(log.items, minlength=log.n_items)
    overall = float(log.rewards.mean(dtype=np.float64))
    return ((totals + ITEM_MEAN_STRENGTH * overall) / (counts + ITEM_MEAN_STRENGTH)).astype(np.float32)


def selection_aware_means(dataset: Dataset) -> Tensor:
    """Return (1, n_items) the mean reward that each item would get if every user of the log rated it.

    The mean is (n m + (U - n) c) / U, with n raters of mean m among U users. The other users count with c, which is
    `UNCHOSEN` standard deviations of the log's ratings below their mean.
    """
    log = dataset.log
    totals = np.bincount(log.items, log.rewards, minlength=log.n_items)
    rows = np.bincount(log.items, minlength=log.n_items)
    unchosen = log.rewards.mean(dtype=np.float64) - UNCHOSEN * log.rewards.std(dtype=np.float64)
    means = np.divide(totals, rows, out=np.full(log.n_items, unchosen), where=rows > 0)
    share = log.audience_shares()
    everybody = share * means + (1 - share) * unchosen
    return torch.from_numpy(everybody[dataset.world.items].astype(np.float32))[None]


def activity_weighted(dataset: Dataset, exponent: float) -> Tensor:
    """Return (1, n_items) each item's share of the log's rows, weighted by (rows of the user + 6)^-`exponent`."""
    return torch.from_numpy(weighted_shares(dataset.log, exponent)[dataset.world.items].astype(np.float32))[None]
