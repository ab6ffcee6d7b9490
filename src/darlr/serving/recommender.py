"""A trained policy that serves: raw ids in, ranked raw ids out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.artifacts import RunFolder
from darlr.data.log import Ids
from darlr.errors import InputError
from darlr.run.saved import SavedPolicy
from darlr.run.worlds import lookback_of
from darlr.world.window import Window

Id = int | str
NEW_USER = -1


@dataclass(frozen=True)
class Recommendation:
    """A raw item id, and the probability with which the policy would pick it among the items that are not excluded."""

    item: Id
    score: float


@dataclass(frozen=True)
class Request:
    """Whom to recommend to.

    Attributes:
        user: raw user id, or None. Somebody whom the log does not know is a new user, and needs recent items.
        items: raw ids of what was recommended to the user lately, oldest first; they are not recommended again. Those that the
            log knows but the policy cannot recommend are left out (`Recommender.left_out` names them).
        rewards: what the user gave each of them, in the units of the log.
    """

    user: Id | None = None
    items: Sequence[Id] = ()
    rewards: Sequence[float] = ()


class Recommender:
    """Ranks items by a run's policy."""

    def __init__(self, policy: SavedPolicy, device: torch.device) -> None:
        self._policy, self._device = policy, device
        self._row_of_user = {raw: row for row, raw in enumerate(policy.user_ids.tolist())}
        self._world_item_ids = self.item_ids.tolist()
        self._column_of_item = {raw: column for column, raw in enumerate(self._world_item_ids)}
        self._other_items = set(policy.item_ids.tolist()) - self._column_of_item.keys()

    @classmethod
    def load(cls, run: Path | str, device: torch.device | str = "cpu") -> Self:
        """The policy in a run folder (the epoch that did best in the simulator); raises `InputError` if there is none."""
        place = torch.device(device)
        return cls(SavedPolicy(RunFolder.open(Path(run)), place), place)

    @property
    def user_ids(self) -> Ids:
        """Raw ids of all users of the log."""
        return self._policy.user_ids

    @property
    def item_ids(self) -> Ids:
        """Raw ids of the items that can be recommended."""
        return self._policy.item_ids[self._policy.world_items]

    def recommend(self, requests: Sequence[Request], count: int = 10) -> list[list[Recommendation]]:
        """The `count` items that the policy likes best for each request, best first.

        New users are served as the average user where the policy looks at more than recent items. With the default settings it
        looks at recent items and their rewards alone, so all users without recent items get the same list.

        Raises:
            InputError: for an unknown user without recent items, an unknown item, rewards that do not match the items or lie
                outside what a user can give, and a `count` that exceeds what is left to recommend.
        """
        if count < 1:
            raise InputError(f"count is {count}; expected at least 1")
        if not requests:
            return []
        users = np.array([self._user(request) for request in requests], dtype=np.int64)
        window, blocked = self._histories(requests)
        left = len(self._world_item_ids) - int(blocked.sum(dim=1).max())
        if count > left:
            raise InputError(f"count is {count}, but only {left} items are left to recommend; expected at most that many")
        best, probabilities = self._best(users, window, blocked, count)
        return [
            [Recommendation(self._world_item_ids[column], score) for column, score in zip(columns, row, strict=True)]
            for columns, row in zip(best.tolist(), probabilities.tolist(), strict=True)
        ]

    def left_out(self, requests: Sequence[Request]) -> list[Id]:
        """The recent items that the log knows but the policy cannot recommend, each once; `recommend` does without them."""
        return list(dict.fromkeys(item for request in requests for item in request.items if item in self._other_items))

    def _user(self, request: Request) -> int:
        if request.user is None or (request.user not in self._row_of_user and request.items):
            return NEW_USER
        if request.user not in self._row_of_user:
            raise InputError(f"unknown user {request.user!r}; expected an id of the log, or recent items for a new user")
        return self._row_of_user[request.user]

    def _best(self, users: NDArray[np.int64], window: Window, blocked: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """(B, count) columns and their probabilities; users are indices into the log's users, or `NEW_USER`."""
        known, rows = np.unique(users[users != NEW_USER], return_inverse=True)
        place = np.full(len(users), len(known))  # the average user's row, after those that are known
        place[users != NEW_USER] = rows
        scorer = self._policy.network(known).scorer()
        scores = scorer(torch.from_numpy(place).to(self._device), window, blocked)
        best = scores.topk(count, dim=1).indices
        return best, scorer.probabilities(scores).gather(1, best)

    def _histories(self, requests: Sequence[Request]) -> tuple[Window, Tensor]:
        """The window of every request (B, L) and the items that it excludes (B, n_items)."""
        n_items = len(self._world_item_ids)
        window = Window.at_start(n_items, lookback_of(self._policy.config), torch.device("cpu"))
        length = window.items.shape[1]
        items, rewards = window.items.repeat(len(requests), 1), window.rewards.repeat(len(requests), 1)
        blocked = torch.zeros(len(requests), n_items, dtype=torch.bool)
        for row, request in enumerate(requests):
            columns, seen = self._history(request)
            if columns:
                blocked[row, columns] = True
                items[row] = torch.cat([items[row], torch.tensor(columns)])[-length:]
                rewards[row] = torch.cat([rewards[row], torch.tensor(seen)])[-length:]
        return Window(items.to(self._device), rewards.to(self._device)), blocked.to(self._device)

    def _history(self, request: Request) -> tuple[list[int], list[float]]:
        if len(request.items) != len(request.rewards):
            raise InputError(
                f"user {request.user!r} has {len(request.items)} recent items and {len(request.rewards)} rewards; "
                "expected one reward for each item"
            )
        strange = [item for item in request.items if item not in self._column_of_item and item not in self._other_items]
        if strange:
            raise InputError(f"unknown item {strange[0]!r} among the recent items of user {request.user!r}")
        low, high = self._policy.reward_range
        outside = [reward for reward in request.rewards if not low <= reward <= high]
        if outside:
            raise InputError(f"a recent reward of user {request.user!r} is {outside[0]:g}; expected {low:g} to {high:g}")
        seen = [pair for pair in zip(request.items, request.rewards, strict=True) if pair[0] in self._column_of_item]
        return [self._column_of_item[item] for item, _ in seen], [(reward - low) / (high - low) for _, reward in seen]
