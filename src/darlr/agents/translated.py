"""A policy that was learned for other users and items, applied to those of this world."""

import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.world.window import OUTSIDE, Window, absent_item, start_item
from darlr.world.world import ABSENT


class TranslatedScorer(Scorer):
    """Scores a world's items with a policy that numbers users and items differently.

    Items unknown to the policy are never recommended, and are left out of the past. If the policy knows none of the allowed
    items, all allowed items have the same score.
    """

    def __init__(self, scorer: Scorer, users: Tensor, columns: Tensor, n_items: int) -> None:
        """
        Args:
            scorer: the policy's scorer.
            users: (n_users,) the policy's row for every user of the world.
            columns: (n,) the policy's column for every item of the world, `ABSENT` where it has none.
            n_items: number of the policy's columns.
        """
        self._scorer, self._users = scorer, users
        self._known = torch.nonzero(columns != ABSENT).squeeze(1)
        self._columns = columns[self._known]
        self._n_items = n_items
        outside = torch.tensor([start_item(n_items), absent_item(n_items)], device=columns.device)
        self._places = torch.cat([torch.where(columns == ABSENT, absent_item(n_items), columns), outside])
        self.lookback = scorer.lookback

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        n = len(self._places) - OUTSIDE
        if blocked is None:
            blocked = torch.zeros(len(users), n, dtype=torch.bool, device=users.device)
        items = self._places[window.items]
        rewards = window.rewards.masked_fill(items == absent_item(self._n_items), 0.0)
        theirs = torch.ones(len(users), self._n_items, dtype=torch.bool, device=users.device)
        theirs[:, self._columns] = blocked[:, self._known]
        scores = torch.full((len(users), n), float("-inf"), device=users.device)
        scores[:, self._known] = self._scorer(self._users[users], Window(items, rewards), theirs)[:, self._columns]
        nothing = scores.isneginf().all(dim=1, keepdim=True)
        return scores.masked_fill(nothing & ~blocked, 0.0)

    def probabilities(self, scores: Tensor) -> Tensor:
        return self._scorer.probabilities(scores)
