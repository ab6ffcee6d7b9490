"""The k-order entropy term P_E, which rewards varied continuations (Eq. 5, as the reference code computes it: protocol
section 5).
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.data.log import InteractionLog
from darlr.errors import InputError
from darlr.world.world import World

UNKNOWN = 1.0
"""The entropy of a pattern that the log lacks, or for which the history is too short: the greatest possible."""


@dataclass(frozen=True)
class _Order:
    """Normalised entropies of the patterns of one order: sorted keys (P,) int64 and their values (P,) float32; P >= 1."""

    order: int
    keys: Tensor
    values: Tensor


class EntropyTerm:
    """Looks up how evenly the log continues after the last k items, summed over the orders k.

    A pattern is the *set* of the last k items, including the one being recommended. Its entropy is that of the log's next
    items, in bits, divided by the logarithm of their number; it is 1 if there is only one. Values lie in 0..len(orders).

    Attributes:
        low, high: bounds of the sum over the orders' tables.
    """

    def __init__(self, orders: list[_Order], log_items: Tensor, n_log_items: int) -> None:
        self._orders = orders
        self._log_items = log_items  # world column -> log index; -1 for the columns of start and absence
        self._base = n_log_items
        self.low = sum(float(order.values.min()) for order in orders)
        self.high = sum(float(order.values.max()) for order in orders)

    @classmethod
    def fit(cls, log: InteractionLog, world: World, orders: tuple[int, ...], device: torch.device) -> "EntropyTerm":
        """Count the continuations in `log`.

        Raises:
            InputError: if the log has no times, or an order is too high to index.
        """
        if log.times is None:
            raise InputError("the entropy term needs interactions in order of time, but the log has no time")
        by_time = np.lexsort((log.times, log.users))
        users, items = log.users[by_time].astype(np.int64), log.items[by_time].astype(np.int64)
        tables = [_count(users, items, order, log.n_items, device) for order in orders]
        columns = np.concatenate([world.items, [-1, -1]]).astype(np.int64)
        return cls(tables, torch.from_numpy(columns).to(device), log.n_items)

    def value(self, items: Tensor, window_items: Tensor) -> Tensor:
        """Return (B,) P_E of recommending `items` (B,) after the items `window_items` (B, L), newest last."""
        recent = self._log_items[torch.cat([window_items, items[:, None]], dim=1)]
        total = torch.zeros(len(items), device=items.device)
        for table in self._orders:
            if recent.shape[1] < table.order:
                total += UNKNOWN
                continue
            pattern = recent[:, -table.order :].sort(dim=1).values
            keys = _keys(pattern, self._base)
            place = torch.searchsorted(table.keys, keys).clamp_(max=len(table.keys) - 1)
            known = (table.keys[place] == keys) & (pattern[:, 0] >= 0)
            total += torch.where(known, table.values[place], UNKNOWN)
        return total


def require_countable(order: int, n_items: int) -> None:
    """Raise `InputError` if patterns of `order` items cannot be numbered in 62 bits."""
    if n_items**order >= 2**62:
        raise InputError(
            f"config key 'reward.entropy_orders' has {order}, too high for {n_items} items; expected a lower order"
        )


def _keys(pattern: Tensor, base: int) -> Tensor:
    keys = pattern[:, 0]
    for column in range(1, pattern.shape[1]):
        keys = keys * base + pattern[:, column]
    return keys


def _count(users: NDArray[np.int64], items: NDArray[np.int64], order: int, n_items: int, device: torch.device) -> _Order:
    """Return the entropies of all patterns of `order` previous items; the rows are sorted by user and time."""
    require_countable(order, n_items)
    follows = np.flatnonzero(users[order:] == users[:-order]) + order
    previous = np.sort(np.stack([items[follows - lag] for lag in range(1, order + 1)], axis=1), axis=1)
    weights = n_items ** np.arange(order - 1, -1, -1, dtype=np.int64)
    keys, pattern = np.unique(previous @ weights, return_inverse=True)
    pairs, counts = np.unique(pattern * n_items + items[follows], return_counts=True)
    owner = pairs // n_items
    share = counts / np.bincount(owner, counts, minlength=len(keys))[owner]
    bits = np.bincount(owner, -share * np.log2(share), minlength=len(keys))
    successors = np.bincount(owner, minlength=len(keys))
    values = np.where(successors > 1, bits / np.log2(np.maximum(successors, 2)), UNKNOWN)
    if not len(keys):  # no user has so many interactions: every pattern is unknown
        keys, values = np.array([-1], np.int64), np.array([UNKNOWN])
    return _Order(order, torch.from_numpy(keys).to(device), torch.from_numpy(values.astype(np.float32)).to(device))
