"""When a user quits (protocol section 1): the item that makes a user leave is still paid for."""

from typing import Protocol

import torch
from torch import Tensor

from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import estimates_of
from darlr.world.categories import CategoryMemory
from darlr.world.settings import LeaveConfig
from darlr.world.window import OUTSIDE


class LeaveRule(Protocol):
    """Decides who leaves after a recommendation.

    Attributes:
        window: N, how many of the previous items it looks at.
    """

    window: int

    def leaves(self, items: Tensor, recent: Tensor) -> Tensor:
        """(B,) bool for `items` (B,) recommended after `recent` (B, N) columns, newest last (start and absence included)."""
        ...


class Never:
    """Nobody leaves before the last step."""

    window = 1

    def leaves(self, items: Tensor, recent: Tensor) -> Tensor:
        return torch.zeros_like(items, dtype=torch.bool)


class SharedCategory:
    """A user leaves when a category of the new item occurs more than M times among the last N items."""

    def __init__(self, membership: Tensor, window: int, tolerance: float) -> None:
        """
        Args:
            membership: (n_items, C) bool, which item has which category.
        """
        self.window, self.tolerance = window, tolerance
        self._categories = CategoryMemory(membership)

    def leaves(self, items: Tensor, recent: Tensor) -> Tensor:
        return self._categories.occurrences(items, recent) > self.tolerance

    def leaves_over(self, recent: Tensor) -> Tensor:
        """(B, n_items) bool: over which items users would leave after `recent` (B, N)."""
        crowded = (self._categories.counts(recent) > self.tolerance).to(torch.float32)
        return crowded @ self._categories.membership.T > 0


class NearDuplicate:
    """A user leaves when the new item's column of rewards lies closer than M (Euclidean) to that of one of the last N items."""

    def __init__(self, rewards: Tensor, window: int, tolerance: float) -> None:
        """
        Args:
            rewards: (n_users, n_items), the world model's estimate while learning, the truth when testing.
        """
        self.window, self.tolerance = window, tolerance
        n_items = rewards.shape[1]
        self._distance = torch.full((n_items, n_items + OUTSIDE), float("inf"), device=rewards.device)
        # The faster way over a matrix product is too inexact for items that are alike: it puts an item apart from itself.
        self._distance[:, :n_items] = torch.cdist(rewards.T, rewards.T, compute_mode="donot_use_mm_for_euclid_dist")

    def leaves(self, items: Tensor, recent: Tensor) -> Tensor:
        return (self._distance[items[:, None], recent] < self.tolerance).any(dim=1)


def leave_rule(config: LeaveConfig, membership: Tensor, rewards: Estimates | Tensor) -> LeaveRule:
    """The rule that `config` names, for items with `membership` (n_items, C) and columns of `rewards` (n_users, n_items)."""
    if config.by == "category":
        return SharedCategory(membership, config.window, config.tolerance)
    if config.by == "distance" and config.tolerance > 0:  # no distance lies below 0, so M = 0 never fires
        return NearDuplicate(estimates_of(rewards).table(), config.window, config.tolerance)
    return Never()
