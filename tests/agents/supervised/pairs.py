"""Liked pairs for tests."""

import numpy as np
import torch

from darlr.agents.supervised.preferences import Preferences
from darlr.data.dataset import Dataset
from tests.worlds import dataset_of, log_of


def pairs_of(pairs: list[tuple[int, int]], n_users: int, n_items: int, weights: list[float] | None = None) -> Preferences:
    """The given pairs of user and item, rising, one moment after the other."""
    users, items = (torch.tensor(side, dtype=torch.int64) for side in zip(*pairs, strict=True))
    own = torch.ones(len(pairs)) if weights is None else torch.tensor(weights)
    return Preferences(users, items, own, torch.arange(float(len(pairs))).double(), n_users, n_items)


def random_pairs(n_users: int, n_items: int, share: float = 0.3, seed: int = 0) -> Preferences:
    """A share of all pairs, with weights between 0.1 and 1."""
    random = np.random.default_rng(seed)
    users, items = (torch.from_numpy(side.copy()) for side in np.nonzero(random.random((n_users, n_items)) < share))
    weights = torch.from_numpy(random.uniform(0.1, 1, len(users)).astype(np.float32))
    return Preferences(users, items, weights, torch.zeros(len(users), dtype=torch.float64), n_users, n_items)


def two_tastes(timed: bool = True) -> Dataset:
    """30 users and 20 items. Users with even numbers like items with even numbers, and have half of them; odd ones likewise."""
    random = np.random.default_rng(1)
    rows = [(user, item, 1.0) for user in range(30) for item in random.permutation(np.arange(user % 2, 20, 2))[:5].tolist()]
    times = [float(number) for number in range(len(rows))] if timed else None
    return dataset_of(log_of(rows, 30, 20, times=times, reward_range=(0.0, 1.0), positive_only=True))
