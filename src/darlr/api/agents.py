"""Agents from outside darlr: the questions that they are asked, their answers, and how they act in darlr's worlds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from darlr.agents.acting import Scorer, best_alone, mask_logits
from darlr.data.dataset import Dataset
from darlr.data.log import Ids, text_ids
from darlr.errors import InputError
from darlr.world.window import Window


@dataclass(frozen=True)
class Turn:
    """A question to an agent: one recommendation for each of B users, who are all at the same step t of their episodes.

    Attributes:
        users: (B,) raw ids.
        items: (B, t) raw ids of the items that were recommended in this episode, oldest first; the log is not repeated here.
        rewards: (B, t) float32, the users' rewards for these items, in the units of the truth.
        item_ids: (n_items,) raw ids of all items of the world, in the order of the columns of `allowed` and of scores.
        allowed: (B, n_items) bool, the items that may be recommended now.
    """

    users: Ids
    items: Ids
    rewards: NDArray[np.float32]
    item_ids: Ids
    allowed: NDArray[np.bool_]

    def narrowed(self, rows: NDArray[np.int64], allowed: NDArray[np.bool_]) -> "Turn":
        """Return the turn of some of the users.

        Args:
            rows: (b,) the users' rows in this turn.
            allowed: (b, n_items) bool, the items that these users may be recommended now.
        """
        return Turn(self.users[rows], self.items[rows], self.rewards[rows], self.item_ids, allowed[rows])


Agent = Callable[[Turn], ArrayLike]
"""An agent from outside. It returns either (B,) raw item ids, one for each user, or (B, n_items) scores, the best item's
the greatest.

Scores of items that are not allowed are ignored. An id that is not allowed is an error.
"""


class AgentScorer(Scorer):
    """Makes an agent from outside a scorer of a data set's test world. The agent acts the same way in greedy and in sampled
    tests.
    """

    def __init__(self, agent: Agent, dataset: Dataset, depth: int) -> None:
        """
        Args:
            agent: the agent.
            dataset: the data set whose test world is played.
            depth: the number of items in a list; an agent that names items is asked that many times for one list.
        """
        self._agent, self._depth = agent, depth
        self._user_ids = dataset.log.user_ids[dataset.world.users]
        self._item_ids = dataset.log.item_ids[dataset.world.items]
        self._order = np.argsort(self._item_ids, kind="stable")
        self._paid = dataset.paid_range

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        shape = (len(users), len(self._item_ids))
        turn = self._turn(users, window, np.ones(shape, bool) if blocked is None else ~blocked.cpu().numpy())
        answer = self._ask(turn)
        if answer.ndim == 2:
            scores = torch.from_numpy(self._scores(answer, turn)).to(users.device)
            return mask_logits(scores, blocked)
        return torch.from_numpy(self._listed(answer, turn)).to(users.device)

    def probabilities(self, scores: Tensor) -> Tensor:
        """Return (B, n_items) probability 1 for the item with the greatest of the `scores` (B, n_items), and 0 for the
        others.
        """
        return best_alone(scores)

    def _turn(self, users: Tensor, window: Window, allowed: NDArray[np.bool_]) -> Turn:
        columns = window.items.cpu().numpy()
        begun = columns[0] < len(self._item_ids)  # all users are at the same step
        low, high = self._paid
        rewards = low + window.rewards[:, begun].cpu().numpy() * (high - low)
        allowed.setflags(write=False)
        return Turn(
            users=self._user_ids[users.cpu().numpy()],
            items=self._item_ids[columns[:, begun]],
            rewards=rewards.astype(np.float32),
            item_ids=self._item_ids.copy(),
            allowed=allowed,
        )

    def _ask(self, turn: Turn) -> NDArray[Any]:
        answer = np.asarray(self._agent(turn))
        ids, scores = (len(turn.users),), turn.allowed.shape
        if answer.shape not in (ids, scores):
            raise InputError(f"the agent gave an array of shape {answer.shape}; expected {ids} item ids or {scores} scores")
        return answer

    def _scores(self, answer: NDArray[Any], turn: Turn) -> NDArray[np.float32]:
        if answer.dtype.kind not in "iufb":
            raise InputError(f"the agent gave scores of type {answer.dtype}; expected numbers")
        unusable = turn.allowed & ~np.isfinite(answer)
        if unusable.any():
            row, column = np.argwhere(unusable)[0]
            raise InputError(
                f"the agent gave item {turn.item_ids[column]} the score {answer[row, column]} for user {turn.users[row]}; "
                "expected a finite number for each item that is allowed"
            )
        return answer.astype(np.float32)

    def _listed(self, answer: NDArray[Any], turn: Turn) -> NDArray[np.float32]:
        """Return (B, n_items) scores in the order in which the agent names items, beginning with its `answer`; -inf for the
        others.
        """
        scores = np.full(turn.allowed.shape, -np.inf, np.float32)
        allowed, rows, asked = turn.allowed.copy(), np.arange(len(turn.users)), turn
        for place in range(self._depth):
            if place > 0:
                rows = np.flatnonzero(allowed.any(axis=1))
                asked = turn.narrowed(rows, allowed)
                answer = self._ask(asked)
            columns = self._columns(answer, asked)
            scores[rows, columns] = self._depth - place
            allowed[rows, columns] = False
        return scores

    def _columns(self, answer: NDArray[Any], turn: Turn) -> NDArray[np.int64]:
        """Return (B,) the columns of the item ids that the agent gave, each of which must be allowed."""
        ids = self._item_ids
        kinds = "iuf" if ids.dtype.kind in "iu" else "UO"
        if answer.ndim != 1 or answer.dtype.kind not in kinds:
            raise InputError(
                f"the agent gave an array of {answer.dtype} and shape {answer.shape}; expected ids like {ids[0]!s}"
            )
        named = text_ids(map(str, answer)) if ids.dtype.kind not in "iu" else answer
        place = np.searchsorted(ids, named, sorter=self._order).clip(max=len(ids) - 1)
        columns: NDArray[np.int64] = self._order[place]
        unusable = (ids[columns] != named) | ~turn.allowed[np.arange(len(columns)), columns]
        if unusable.any():
            row = int(np.argmax(unusable))
            raise InputError(
                f"the agent recommended item {named[row]} to user {turn.users[row]}; expected one of turn.item_ids that "
                "turn.allowed has for the user"
            )
        return columns
