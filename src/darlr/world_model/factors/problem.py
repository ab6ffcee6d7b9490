"""Prepares a log for a fit: targets on a standardised scale, weights, and the users and items that have rows."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.cluster.workers import HERE, Workers
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.errors import InputError
from darlr.world_model.factors.background import Background
from darlr.world_model.factors.observations import Cuts, Observations
from darlr.world_model.factors.responses import Link, ResponseScale
from darlr.world_model.model import Scale

ACTIVITY_OFFSET = 6
"""Added to a user's number of rows before the power is taken. It keeps users with a row or two from outweighing all others."""

WHOLE_UP_TO = 2**21
"""Rows of a log whose users are one part."""

ROWS_OF_A_PART, ROWS_AN_ITEM = 2**18, 64
"""Rows of a part of a larger one, at least: so many, and so many for each item, since every part has sums of all items."""

ROWS_A_USER = 100
"""Number of rows that take as long in a sweep as a user does, beside its rows. Parts are cut to take equally long."""

ITEMS_OF_A_SLICE = 2**12
"""Items that are updated together, at least, where users are in parts; there are at most as many slices as parts."""

LOG_FLOOR = 0.05
"""Rewards below this share of the mean reward are raised to it before the logarithm is taken."""


@dataclass(frozen=True)
class Problem:
    """The data of a fit.

    Attributes:
        observed: the rows; users and items are numbered among those with rows.
        users, items: (U',) and (I',) int64, their indices in the log's vocabularies.
        scale: the map between rewards and targets.
        reward_scale: mean and standard deviation of the fitted rewards, in reward units.
    """

    observed: Observations
    users: NDArray[np.int64]
    items: NDArray[np.int64]
    scale: ResponseScale
    reward_scale: Scale


def is_implicit(log: InteractionLog) -> bool:
    """Whether rewards say no more than that a pair was logged. If so, the pairs that are not logged must count in the fit."""
    return log.positive_only or float(log.rewards.min()) == float(log.rewards.max())


@dataclass(frozen=True)
class Apart:
    """Pairs that were held apart and are therefore not in the log, as users (U,) and items (I,) bool."""

    users: NDArray[np.bool_]
    items: NDArray[np.bool_]

    @classmethod
    def of(cls, dataset: Dataset) -> "Apart":
        """The pairs of the world, if the log has none of them; else no pairs."""
        log, world = dataset.log, dataset.world
        users, items = np.zeros(log.n_users, bool), np.zeros(log.n_items, bool)
        users[world.users], items[world.items] = True, True
        if (users[log.users] & items[log.items]).any():
            return cls(np.zeros_like(users), np.zeros_like(items))
        return cls(users, items)


def require_link(log: InteractionLog, link: str) -> None:
    """Raise `InputError` if `link` is the logarithm and the log's rewards do not allow it."""
    if link == "log" and is_implicit(log):
        raise InputError("config key 'factors.link' is 'log', but the log holds positives alone; expected 'identity' or 'auto'")
    if link == "log" and log.reward_range[0] < 0:
        raise InputError(
            f"config key 'factors.link' is 'log', but rewards go down to {log.reward_range[0]:g}; expected 'identity' or 'auto'"
        )


def activity_weights(counts: NDArray[np.int64], exponent: float) -> NDArray[np.float64]:
    """Weights of users with these numbers of rows, (U',), of mean 1."""
    weights = ((counts + ACTIVITY_OFFSET) / (counts.mean() + ACTIVITY_OFFSET)) ** -exponent
    return np.asarray(weights / weights.mean(), np.float64)


def prepare(
    dataset: Dataset,
    log: InteractionLog,
    link: Link,
    activity_exponent: float,
    device: torch.device,
    workers: Workers = HERE,
) -> Problem:
    """Prepare a fit of `log`.

    Args:
        dataset: features, vocabularies and the world.
        log: the log of `dataset`, or some of its rows.
        link: the scale on which rewards are linear.
        activity_exponent: rows of a user weigh (rows + 6)^-exponent.
        device: device of the tensors.
        workers: group the rows and hold them.

    Raises:
        InputError: if there is nothing to learn, or the logarithm of the rewards is not defined.
    """
    require_link(dataset.log, link)
    users, user_rows = _numbered(log.users, log.n_users)
    items, item_rows = _numbered(log.items, log.n_items)
    counts = np.bincount(user_rows)
    weights = activity_weights(counts, activity_exponent)
    cuts = cuts_of(counts, len(items))
    rows = user_rows, item_rows, log.rewards.astype(np.float64)
    if is_implicit(dataset.log):
        apart = Apart.of(dataset)
        sides = apart.users[users], apart.items[items]
        observed, scale = _against_background(log, rows, weights, *sides, cuts, device, workers)
    else:
        observed, scale = _rated(log, link, rows, weights, len(items), cuts, device, workers)
    reward_scale = Scale(scale.centre, scale.spread) if link == "identity" else Scale.of(log.rewards, 0)
    return Problem(observed, users, items, scale, reward_scale)


def cuts_of(counts: NDArray[np.int64], n_items: int) -> Cuts:
    """The users and the items with whom another part begins, for users with `counts` (U',) rows.

    A sweep takes about as long for each part. The cuts depend on the log alone, not on who works on the parts.
    """
    rows = int(counts.sum())
    parts = 1 if rows <= WHOLE_UP_TO else max(1, rows // max(ROWS_OF_A_PART, ROWS_AN_ITEM * n_items))
    ends = np.cumsum(counts + ROWS_A_USER)
    cuts = np.searchsorted(ends, ends[-1] * np.arange(1, parts) / parts) + 1
    users = [int(cut) for cut in np.unique(cuts[cuts < len(counts)])]
    slices = max(1, min(len(users) + 1, n_items // ITEMS_OF_A_SLICE))
    return Cuts(users, [n_items * number // slices for number in range(1, slices)])


def _numbered(entities: NDArray[np.int32], n: int) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """The entities that occur, (n',) of n, and each row's position among them, (rows,)."""
    occurs = np.bincount(entities, minlength=n) > 0
    return np.flatnonzero(occurs).astype(np.int64), (np.cumsum(occurs) - 1)[entities]


_Rows = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]


def _rated(
    log: InteractionLog,
    link: Link,
    rows: _Rows,
    weights: NDArray[np.float64],
    n_items: int,
    cuts: Cuts,
    device: torch.device,
    workers: Workers,
) -> tuple[Observations, ResponseScale]:
    users, items, rewards = rows
    low, high = log.reward_range
    floor = max(low, LOG_FLOOR * float(rewards.mean())) if link == "log" else low
    linked = np.log(np.maximum(rewards, floor)) if link == "log" else rewards
    spread = float(linked.std()) or 1.0  # the rows of a fold may be equal although the log's are not
    scale = ResponseScale(link, low, high, floor, float(linked.mean()), spread)
    targets = (linked - scale.centre) / scale.spread
    equal = bool((weights == 1.0).all())
    user_weights = None if equal else torch.from_numpy(weights).to(device)
    tensors = _on(device, users, items, targets)
    return Observations.rated(*tensors, user_weights, len(weights), n_items, cuts, workers), scale


def _against_background(
    log: InteractionLog,
    rows: _Rows,
    weights: NDArray[np.float64],
    users_apart: NDArray[np.bool_],
    items_apart: NDArray[np.bool_],
    cuts: Cuts,
    device: torch.device,
    workers: Workers,
) -> tuple[Observations, ResponseScale]:
    """Pairs that the log lacks count as the lowest reward. A pair that it has several times counts once, with its mean
    reward.
    """
    low, high = log.reward_range
    users, items, rewards = _merged(*rows, len(items_apart))
    above = weights[users] * (rewards - low)
    pairs = float(weights.sum()) * len(items_apart) - float(weights[users_apart].sum()) * float(items_apart.sum())
    mean, square = float(above.sum()) / pairs, float((above * (rewards - low)).sum()) / pairs
    if square == 0:
        raise InputError(f"every logged reward is {low:g}, the lowest that users give, so there is nothing to learn")
    spread = max(square - mean**2, 0.0) ** 0.5
    if spread <= 1e-9 * (high - low):
        spread = 1.0  # every user has every item, with one reward
    scale = ResponseScale("identity", low, high, low, low + mean, spread)
    targets = (rewards - scale.centre) / spread
    of_users, of_items = (
        Background(torch.from_numpy(own).to(device), torch.from_numpy(apart).double().to(device), -mean / spread)
        for own, apart in ((weights, users_apart), (np.ones(len(items_apart)), items_apart))
    )
    tensors = _on(device, users, items, targets)
    return Observations.against_background(*tensors, (of_users, of_items), cuts, workers), scale


def _merged(users: NDArray[np.intp], items: NDArray[np.intp], rewards: NDArray[np.float64], n_items: int) -> _Rows:
    pairs, place, counts = np.unique(users * n_items + items, return_inverse=True, return_counts=True)
    if len(pairs) == len(users):
        return users, items, rewards
    return pairs // n_items, pairs % n_items, np.bincount(place, rewards) / counts


def _on(device: torch.device, *arrays: NDArray[np.generic]) -> tuple[Tensor, Tensor, Tensor]:
    users, items, targets = (torch.from_numpy(array).to(device) for array in arrays)
    return users, items, targets
