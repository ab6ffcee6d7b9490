"""Comparison of two runs on the same rows: whether their logs agree, and whose world model predicts the judging rows better."""

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
"""The least correlation of the rewards of two logs of one shop, over the pairs of a user and an item that both have."""
FEWEST_PAIRS = 20
"""The least number of pairs from which that correlation is computed."""
USERS_AT_ONCE = 1_024


def agreement(log: InteractionLog, former: SavedPolicy, history: History) -> float:
    """Return the correlation of the mean rewards of the pairs that both logs have; 1 if there are too few, or all are equal.

    Args:
        log: the new log.
        former: the saved policy of the former run.
        history: the former run's log.
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
    """Return the distinct `cells` (n,), ascending, and the mean of the rewards (n,) in each."""
    distinct, places, counts = np.unique(cells, return_inverse=True, return_counts=True)
    return distinct, np.bincount(places, weights=rewards, minlength=len(distinct)) / counts


def knows_better(
    served: SavedPolicy, new: SavedPolicy, dataset: Dataset, judging: InteractionLog, columns: NDArray[np.int64]
) -> bool:
    """Return whether the served run's world model is nearer to the rewards of `judging`, from which neither model has learned.

    Estimators rely on a world model where the log says little. The new run's own model would favour the new policy,
    whatever it has learned. Only rows count whose user and item both models know.

    Args:
        served, new: the two saved policies.
        dataset: the data set of the new run.
        judging: the judging rows.
        columns: (n_items,) the served run's column of every item of the world, `ABSENT` where it has none.
    """
    users, items = _theirs(served, dataset, columns)
    known = (users[judging.users] != ABSENT) & (items[judging.items] != ABSENT)
    if not known.any():
        return False
    rows = judging.rows(known)
    ours = _squared_error(new, rows.users.astype(np.int64), rows.items.astype(np.int64), rows.rewards)
    return _squared_error(served, users[rows.users], items[rows.items], rows.rewards) < ours


def _theirs(served: SavedPolicy, dataset: Dataset, columns: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the served run's numbers of the log's users (U,) and items (I,); `ABSENT` for those that it or the world lacks."""
    log, world = dataset.log, dataset.world
    users, items = np.full(log.n_users, ABSENT), np.full(log.n_items, ABSENT)
    users[world.users] = found(log.user_ids[world.users].tolist(), served.user_ids.tolist())
    items[world.items] = np.where(columns == ABSENT, ABSENT, served.world_items[columns])
    return users, items


def _squared_error(of: SavedPolicy, users: NDArray[np.int64], items: NDArray[np.int64], rewards: NDArray[np.float32]) -> float:
    """Return the sum of squared errors over pairs (n,) of a model's own users and items, block by block."""
    error, distinct = 0.0, np.unique(users)
    columns, column = np.unique(items, return_inverse=True)
    for first in range(0, len(distinct), USERS_AT_ONCE):
        block = distinct[first : first + USERS_AT_ONCE]
        chosen = np.isin(users, block)
        estimates = of.model.predict(*(torch.from_numpy(ids).to(of.device) for ids in (block, columns)))[0].cpu().numpy()
        found_there = estimates[np.searchsorted(block, users[chosen]), column[chosen]]
        error += float(np.square(found_there - rewards[chosen], dtype=np.float64).sum())
    return error


def served_estimates(served: SavedPolicy, dataset: Dataset, columns: NDArray[np.int64]) -> Tensor:
    """Return (n_users, n_items) the estimates of the served run's world model in the world of `dataset`.

    Unknown users and items get the estimates of its average user and item.
    """
    world = dataset.world
    users, items = _theirs(served, dataset, columns)
    users, items = users[world.users], items[world.items]
    known, there = users != ABSENT, items != ABSENT
    asked = (users[known] if known.any() else served.world_users, items[there])
    estimates = served.model.predict(*(torch.from_numpy(ids).to(served.device) for ids in asked))[0]
    whole = estimates.new_empty(world.n_users, world.n_items)
    whole[:] = estimates.mean()
    theirs = torch.from_numpy(there).to(served.device)
    whole[:, theirs] = estimates.mean(dim=0)
    if known.any():
        rows = torch.from_numpy(known).to(served.device)
        whole[rows] = estimates.mean(dim=1, keepdim=True).expand(-1, world.n_items)
        whole[rows[:, None] & theirs] = estimates.flatten()
    return whole
