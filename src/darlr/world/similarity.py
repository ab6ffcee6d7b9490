"""Similarity of an item to an episode's earlier items, from 0 (nothing in common) to 1 (the same)."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class ItemSimilarity(ABC):
    """The similarity of an item to each of some other items.

    Attributes:
        n_items: number of known items; the similarity to other columns is 0.
    """

    n_items: int

    def to_earlier(self, items: Tensor, earlier: Tensor) -> Tensor:
        """The similarities (B, L) of `items` (B,) to the columns `earlier` (B, L) of a window; 0 for start and absence."""
        known = earlier < self.n_items
        return torch.where(known, self._between(items, torch.where(known, earlier, 0)), 0.0)

    @abstractmethod
    def _between(self, items: Tensor, others: Tensor) -> Tensor:
        """The similarities (B, L) of `items` (B,) to `others` (B, L)."""


class SharedCategories(ItemSimilarity):
    """Jaccard's index: the categories that two items share over all that either has; 0 if neither has one."""

    def __init__(self, membership: Tensor) -> None:
        """
        Args:
            membership: (n_items, C), True if the item has the category.
        """
        self.n_items = len(membership)
        self._membership = membership.to(torch.float32)
        self._counts = self._membership.sum(dim=1)

    def _between(self, items: Tensor, others: Tensor) -> Tensor:
        shared = (self._membership[items][:, None] * self._membership[others]).sum(dim=2)
        return shared / (self._counts[items][:, None] + self._counts[others] - shared).clamp_min(1.0)


class NearColumns(ItemSimilarity):
    """1 / (1 + d), where d is the Euclidean distance of two items' columns."""

    def __init__(self, table: Tensor) -> None:
        """
        Args:
            table: (n_users, n_items) users' estimated rewards.
        """
        self.n_items = table.shape[1]
        self._columns = table.T

    def _between(self, items: Tensor, others: Tensor) -> Tensor:
        distances: Tensor = torch.linalg.vector_norm(self._columns[items][:, None] - self._columns[others], dim=2)
        return 1 / (1 + distances)
