"""What two runs say of the same rows: whether their logs agree, and whose world model knows the rows that judge better."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.names import found
from darlr.run.history import History
from darlr.run.saved import SavedPolicy
from darlr.world.world import ABSENT

LEAST_AGREEMENT = 0.5
"""Correlation of the rewards of two logs that may belong to one shop, over the pairs of a user and an item that both have."""
FEWEST_PAIRS = 20
"""By which that correlation can be told."""


def agreement(log: InteractionLog, former: SavedPolicy, history: History) -> float:
    """The correlation of the mean rewards of the pairs that both logs have; 1 where they share too few, or all are alike.

    Args: former, history: of the run whose log `history` is.
    """
    users, items = (
        found(theirs.tolist(), ours.tolist())
        for theirs, ours in ((former.user_ids, log.user_ids), (former.item_ids, log.item_ids))
    )
    owners = np.repeat(np.arange(len(former.user_ids)), np.diff(history.starts))
    there = (users[owners] != ABSENT) & (items[history.items] != ABSENT)
    before = _means(users[owners[there]] * log.n_items + items[history.items[there]], history.rewards[there])
    now = _means(log.users.astype(np.int64) * log.n_items + log.items, log.rewards)
    _, ours, theirs = np.intersect1d(now[0], before[0], assume_unique=True, return_indices=True)
    rewards = np.stack([now[1][ours], before[1][theirs]])
    if len(ours) < FEWEST_PAIRS or not rewards.std(axis=1).all():
        return 1.0
    return float(np.corrcoef(rewards[0], rewards[1]).flat[1])


def _means(cells: NDArray[np.int64], rewards: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The distinct `cells` (n,), ascending, and the mean of the rewards (n,) in each."""
    distinct, places, counts = np.unique(cells, return_inverse=True, return_counts=True)
    return distinct, np.bincount(places, weights=rewards, minlength=len(distinct)) / counts


def better_estimates(
    new: SavedPolicy, served: SavedPolicy, dataset: Dataset, judging: InteractionLog, columns: NDArray[np.int64]
) -> Tensor:
    """(n_users, n_items) of whichever world model is nearer to the rewards of `judging`, which neither has learned from.

    Estimators believe a world model where the log says little. That of the new run would speak for the new policy, whatever it
    has learned.

    Args: columns: (n_items,) the served run's column of every item of the world, `ABSENT` where it has none.
    """
    users, items = (torch.from_numpy(ids).to(new.device) for ids in (dataset.world.users, dataset.world.items))
    ours, theirs = new.model.predict(users, items)[0], _translated(served, dataset, columns)
    rows, places = np.full(judging.n_users, ABSENT), np.full(judging.n_items, ABSENT)
    rows[dataset.world.users], places[dataset.world.items] = np.arange(len(users)), np.arange(len(items))
    inside = (rows[judging.users] != ABSENT) & (places[judging.items] != ABSENT)
    cells = (torch.from_numpy(numbers[inside]) for numbers in (rows[judging.users], places[judging.items]))
    at, column = (index.to(new.device) for index in cells)
    given = torch.from_numpy(judging.rewards[inside]).to(new.device)
    errors = [float((estimates[at, column] - given).square().sum()) for estimates in (ours, theirs)]
    return theirs if errors[1] < errors[0] else ours


def _translated(served: SavedPolicy, dataset: Dataset, columns: NDArray[np.int64]) -> Tensor:
    """(n_users, n_items) what the served run's world model estimates in the world of `dataset`.

    Whom and what it does not know counts as its average user and item.
    """
    world = dataset.world
    place = found(dataset.log.user_ids[world.users].tolist(), served.user_ids.tolist())
    known, there = place != ABSENT, columns != ABSENT
    users, items = (place[known], served.world_items[columns[there]])
    if not known.any():
        users = served.world_users
    estimates = served.model.predict(*(torch.from_numpy(ids).to(served.device) for ids in (users, items)))[0]
    whole = estimates.new_empty(world.n_users, world.n_items)
    whole[:] = estimates.mean()
    theirs = torch.from_numpy(there).to(served.device)
    whole[:, theirs] = estimates.mean(dim=0)
    if known.any():
        rows = torch.from_numpy(known).to(served.device)
        whole[rows] = estimates.mean(dim=1, keepdim=True).expand(-1, world.n_items)
        whole[rows[:, None] & theirs] = estimates.flatten()
    return whole
