"""A trained policy that serves: raw ids in, ranked raw ids out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.artifacts import RunFolder
from darlr.config.constraints import require_between
from darlr.data.ids import Id
from darlr.data.log import Ids
from darlr.errors import unknown
from darlr.run.saved import SavedPolicy
from darlr.run.worlds import lookback_of
from darlr.serving.messages import Answer, OnUnknown, Recommendation, Request
from darlr.serving.understanding import NEW_USER, Understanding, Understood
from darlr.world.window import Window

MOST_COUNT = 1_000_000
BLOCK = 4_096
"""Requests that are ranked together; bounds the memory of a batch."""


class Recommender:
    """Ranks items by a run's policy."""

    def __init__(self, policy: SavedPolicy, device: torch.device) -> None:
        self._policy, self._device = policy, device
        self.understanding = Understanding(policy)
        self._world_item_ids: list[Id] = self.item_ids.tolist()

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

    def recommend(self, requests: Sequence[Request], count: int = 10, on_unknown: OnUnknown = "new") -> list[Answer]:
        """The `count` items that the policy likes best for each request, best first; all that are left where those are fewer.

        `darlr.data.ids` says which ids are the log's. New users are served as the average user where the policy looks at more
        than recent items. With the default settings it looks at recent items and their rewards alone, so all users without
        recent items get the same list.

        Args: on_unknown: what becomes of an unknown user or item, see `OnUnknown`; each answer's notes tell of it.

        Raises:
            InputError: naming the request: for rewards that do not match the items or lie outside what a user can give, and for
                an unknown user or item where `on_unknown` is "error".
        """
        require_between("count", count, 1, MOST_COUNT)
        if on_unknown not in get_args(OnUnknown):
            raise unknown("value of on_unknown", str(on_unknown), get_args(OnUnknown))
        understood = [self.understanding.of(number, request, on_unknown) for number, request in enumerate(requests, start=1)]
        blocks = (understood[start : start + BLOCK] for start in range(0, len(understood), BLOCK))
        return [answer for block in blocks for answer in self._answers(block, count)]

    def _answers(self, requests: Sequence[Understood], count: int) -> list[Answer]:
        n_items = len(self._world_item_ids)
        left = [0 if request.skipped else n_items - len(set(request.columns)) for request in requests]
        ranked = iter(self._ranked([request for request, number in zip(requests, left, strict=True) if number], count))
        answers = []
        for request, number in zip(requests, left, strict=True):
            notes = request.notes
            if number < count and not request.skipped:
                notes = (*notes, f"{count:,} items are asked for, and {number:,} are left to recommend")
            answers.append(Answer(request.name, tuple(next(ranked)[:number]) if number else (), notes))
        return answers

    def _ranked(self, requests: Sequence[Understood], count: int) -> list[list[Recommendation]]:
        """The best items for requests that have some left; behind those that are left come some that are not."""
        if not requests:
            return []
        users = np.array([request.user for request in requests], dtype=np.int64)
        best, probabilities = self._best(users, *self._histories(requests), min(count, len(self._world_item_ids)))
        return [
            [Recommendation(self._world_item_ids[column], score) for column, score in zip(columns, row, strict=True)]
            for columns, row in zip(best.tolist(), probabilities.tolist(), strict=True)
        ]

    def _best(self, users: NDArray[np.int64], window: Window, blocked: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """(B, count) columns and their probabilities; users are indices into the log's users, or `NEW_USER`."""
        known, rows = np.unique(users[users != NEW_USER], return_inverse=True)
        place = np.full(len(users), len(known))  # the average user's row, after those that are known
        place[users != NEW_USER] = rows
        scorer = self._policy.network(known).scorer()
        scores = scorer(torch.from_numpy(place).to(self._device), window, blocked)
        best = scores.topk(count, dim=1).indices
        return best, scorer.probabilities(scores).gather(1, best)

    def _histories(self, requests: Sequence[Understood]) -> tuple[Window, Tensor]:
        """The window of every request (B, L) and the items that it excludes (B, n_items)."""
        n_items = len(self._world_item_ids)
        window = Window.at_start(n_items, lookback_of(self._policy.config), torch.device("cpu"))
        length = window.items.shape[1]
        items, rewards = window.items.repeat(len(requests), 1), window.rewards.repeat(len(requests), 1)
        blocked = torch.zeros(len(requests), n_items, dtype=torch.bool)
        for row, request in enumerate(requests):
            if request.columns:
                blocked[row, list(request.columns)] = True
                items[row] = torch.cat([items[row], torch.tensor(request.columns)])[-length:]
                rewards[row] = torch.cat([rewards[row], torch.tensor(request.rewards)])[-length:]
        return Window(items.to(self._device), rewards.to(self._device)), blocked.to(self._device)
