"""Requests that are ranked at once, as arrays: the users, their past, and the allowed items."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.run.history import History
from darlr.run.saved import SavedPolicy
from darlr.run.worlds import lookback_of
from darlr.serving.features import Described
from darlr.serving.understanding import NEW_USER, Understood
from darlr.world.window import Window, absent_item, start_item
from darlr.world.world import ABSENT, World


@dataclass(frozen=True)
class Block:
    """B requests.

    Attributes:
        users: (B,) places among the log's users, or `NEW_USER`.
        described: features of new users, by row of the block.
        window: (B, L) the past, on the policy's device.
        blocked: (B, n_items) bool, items that may not be recommended, on the same device.
    """

    users: NDArray[np.int64]
    described: dict[int, Described]
    window: Window
    blocked: Tensor

    def __len__(self) -> int:
        return len(self.users)


@dataclass(frozen=True)
class _Rows:
    """n rewards of the block's users, each user's oldest first: the user, the column, and the reward in 0..1."""

    owners: NDArray[np.int64]
    columns: NDArray[np.int64]
    rewards: NDArray[np.float32]

    def of(self, chosen: NDArray[np.bool_]) -> "_Rows":
        """Return the rows of the block's users that are `chosen` (B,) bool."""
        kept = chosen[self.owners]
        return _Rows(self.owners[kept], self.columns[kept], self.rewards[kept])


class Blocks:
    """Makes blocks of requests, and of users of the log."""

    def __init__(self, policy: SavedPolicy, history: History | None, shows_log: bool, device: torch.device) -> None:
        """
        Args:
            policy: the saved policy.
            history: the items and rewards of the log's users; None if the run folder lacks them.
            shows_log: whether the policy's window has to show the log.
            device: the device of the arrays.
        """
        self._history, self._shows_log, self._device = history, shows_log, device
        self._column = World(policy.world_users, policy.world_items).columns(len(policy.item_ids))
        self._n_items = len(policy.world_items)
        self._low, self._high = policy.reward_range
        self._length = lookback_of(policy.config)
        start = Window.at_start(self._n_items, self._length, torch.device("cpu"))
        self._start = start.items.numpy(), start.rewards.numpy()

    def of(self, requests: Sequence[Understood]) -> Block:
        """Make a block of requests that have items left."""
        users = np.array([request.user for request in requests], np.int64)
        given = _Rows(
            np.repeat(np.arange(len(requests)), [len(request.columns) for request in requests]),
            np.array([column for request in requests for column in request.columns], np.int64),
            np.array([reward for request in requests for reward in request.rewards], np.float32),
        )
        logged = self._logged(users)
        past = logged.of(np.array([request.past for request in requests], bool))
        blocked = np.zeros((len(requests), self._n_items), bool)
        for row, request in enumerate(requests):
            if request.candidates is not None:
                blocked[row] = True
                blocked[row, list(request.candidates)] = False
            blocked[row, list(request.exclude)] = True
        recent = given.of(np.array([not request.repeats for request in requests], bool))
        blocked[recent.owners, recent.columns] = True
        seen = logged.of(np.array([request.exclude_seen for request in requests], bool))
        blocked[seen.owners, seen.columns] = True
        described = {row: request.features for row, request in enumerate(requests) if request.features is not None}
        return self._block(users, described, _merged(given, past) if self._shows_log else given, blocked)

    def of_users(self, users: NDArray[np.int64], exclude_seen: bool, past: bool) -> Block:
        """Make a block of users of the log (B,), given by their places, without further information."""
        logged = self._logged(users)
        blocked = np.zeros((len(users), self._n_items), bool)
        if exclude_seen:
            blocked[logged.owners, logged.columns] = True
        return self._block(users, {}, logged.of(np.full(len(users), past and self._shows_log)), blocked)

    def _logged(self, users: NDArray[np.int64]) -> _Rows:
        """Return the log's rows of the known ones among `users` (B,), about items that the policy can recommend."""
        known = np.flatnonzero(users != NEW_USER)
        if self._history is None or not len(known):
            return _Rows(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
        owners, rows = self._history.rows_of(users[known])
        columns = self._column[self._history.items[rows]]
        here = columns != ABSENT
        rewards = (self._history.rewards[rows[here]] - self._low) / (self._high - self._low)
        return _Rows(known[owners[here]], columns[here], rewards.clip(0.0, 1.0).astype(np.float32))

    def _block(
        self, users: NDArray[np.int64], described: dict[int, Described], shown: _Rows, blocked: NDArray[np.bool_]
    ) -> Block:
        return Block(users, described, self._window(len(users), shown), torch.from_numpy(blocked).to(self._device))

    def _window(self, users: int, shown: _Rows) -> Window:
        """Return the window (users, L) of the newest L rows; shorter histories begin with the start."""
        length = self._length
        items, rewards = np.repeat(self._start[0], users, axis=0), np.repeat(self._start[1], users, axis=0)
        counts = np.bincount(shown.owners, minlength=users)
        begun = np.flatnonzero(counts)
        items[begun, -1], rewards[begun, -1] = absent_item(self._n_items), 0.0
        visible = begun[counts[begun] < length]
        before = visible, length - 1 - counts[visible]
        items[before], rewards[before] = start_item(self._n_items), 1.0
        newer = np.cumsum(counts)[shown.owners] - 1 - np.arange(len(shown.owners))  # number of later rows of the same user
        kept = newer < length
        places = shown.owners[kept], length - 1 - newer[kept]
        items[places], rewards[places] = shown.columns[kept], shown.rewards[kept]
        return Window(torch.from_numpy(items).to(self._device), torch.from_numpy(rewards).to(self._device))


def _merged(one: _Rows, other: _Rows) -> _Rows:
    """Return the rows of both, sorted by owner; no owner has rows in both."""
    owners = np.concatenate([one.owners, other.owners])
    order = np.argsort(owners, kind="stable")
    columns, rewards = np.concatenate([one.columns, other.columns]), np.concatenate([one.rewards, other.rewards])
    return _Rows(owners[order], columns[order], rewards[order])
