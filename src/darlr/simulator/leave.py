"""Leave rules, which decide when a user quits (protocol section 1). The item that makes a user leave is still paid for."""

from typing import Protocol

import torch
from torch import Tensor

from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import estimates_of
from darlr.world.categories import CategoryMemory
from darlr.world.settings import LeaveConfig
from darlr.world.window import OUTSIDE


class LeaveRule(Protocol):
    """Decides which users leave after a recommendation.

    Attributes:
        window: N, the number of previous items that it looks at.
    """

    window: int

    def leaves(self, items: Tensor, recent: Tensor) -> Tensor:
        """Return (B,) bool for `items` (B,) recommended after `recent` (B, N) columns, newest last, start and absence
        included.
        """
        ...


class Never:
    """No user leaves before the last step."""

    window = 1

    def leaves(self, items: Tensor, recent: Tensor) -> Tensor:
        return torch.zeros_like(items, dtype=torch.bool)


class SharedCategory:
    """A user leaves when a category of the new item occurs more than M times among the last N items."""

    def __init__(self, membership: Tensor, window: int, tolerance: float) -> None:
        """
        Args:
            membership: (n_items, C) bool, whether an item has a category.
            window: N.
            tolerance: M.
        """
        self.window, self.tolerance = window, tolerance
        self._categories = CategoryMemory(membership)

    def leaves(self, items: Tensor, recent: Tensor) -> Tensor:
        return self._categories.occurrences(items, recent) > self.tolerance

    def leaves_over(self, recent: Tensor) -> Tensor:
        """Return (B, n_items) bool: the items over which users would leave after `recent` (B, N)."""
        crowded = (self._categories.counts(recent) > self.tolerance).to(torch.float32)
        return crowded @ self._categories.membership.T > 0


class NearDuplicate:
    """A user leaves when the new item's column of rewards is closer than M (Euclidean) to that of one of the last N items."""

    def __init__(self, rewards: Tensor, window: int, tolerance: float) -> None:
        """
        Args:
            rewards: (n_users, n_items), the world model's estimate while learning, the truth when testing.
            window: N.
            tolerance: M.
        """
        self.window, self.tolerance = window, tolerance
        n_items = rewards.shape[1]
        self._distance = torch.full((n_items, n_items + OUTSIDE), float("inf"), device=rewards.device)
        # The faster computation by a matrix product is too inexact for similar items: an item's distance to itself would
        # not be 0.
        self._distance[:, :n_items] = torch.cdist(rewards.T, rewards.T, compute_mode="donot_use_mm_for_euclid_dist")

    def leaves(self, items: Tensor, recent: Tensor) -> Tensor:
        return (self._distance[items[:, None], recent] < self.tolerance).any(dim=1)


def leave_rule(config: LeaveConfig, membership: Tensor, rewards: Estimates | Tensor) -> LeaveRule:
    """Make the rule that `config` names, for items with `membership` (n_items, C) and columns of `rewards` (n_users,
    n_items).

    Raises:
        ValueError: if users leave by a learned hazard, which `LearnedLeave` has.
    """
    if config.by == "learned":
        raise ValueError("users leave by a hazard learned from the log; expected a LearnedLeave")
    if config.by == "category":
        return SharedCategory(membership, config.window, config.tolerance)
    if config.by == "distance" and config.tolerance > 0:  # no distance is below 0, so with M = 0 no user leaves
        return NearDuplicate(estimates_of(rewards).table(), config.window, config.tolerance)
    return Never()
