"""Lists as scorers: the order of a table, and the same order without items that share a category with recent ones."""

from torch import Tensor

from darlr.agents.acting import Scorer, behind, mask_logits
from darlr.rewards.estimates.interface import Estimates
from darlr.world.categories import CategoryMemory
from darlr.world.window import Window


class TableScorer(Scorer):
    """Scores that depend on the user and the item alone."""

    def __init__(self, table: Tensor) -> None:
        """
        Args:
            table: (n_users, n_items), or (1, n_items) for one list that serves every user.
        """
        self._table = table

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        scores = self._table.expand(len(users), -1) if len(self._table) == 1 else self._table[users]
        return mask_logits(scores, blocked)


class EstimateScorer(Scorer):
    """Scores items by estimates, which are requested for the current users."""

    def __init__(self, estimates: Estimates) -> None:
        self._estimates = estimates

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return mask_logits(self._estimates.rows(users), blocked)


class SkippingScorer(Scorer):
    """Another scorer's list, in which items that share a category with one of the last N come last."""

    def __init__(self, scorer: Scorer, membership: Tensor, window: int) -> None:
        """
        Args:
            scorer: the other scorer.
            membership: (n_items, C) bool.
            window: N.
        """
        self._scorer, self._window = scorer, window
        self._categories, self._n_items = CategoryMemory(membership), len(membership)
        self.lookback = scorer.lookback

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        recent = window.last(self._window).items
        if not bool((recent < self._n_items).any()):  # an episode's start; the product below would take most of the time
            return self._scorer(users, window, blocked)
        skipped = self._categories.shares(recent)
        return mask_logits(behind(self._scorer(users, window), skipped), blocked)
