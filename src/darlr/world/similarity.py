"""How alike an item is to those of an episode's past, from 0 (nothing in common) to 1 (the same)."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class ItemSimilarity(ABC):
    """A number for an item and each of some others.

    Attributes:
        n_items: whose columns are known; to others every item has the similarity 0.
    """

    n_items: int

    def to_earlier(self, items: Tensor, earlier: Tensor) -> Tensor:
        """(B, L) of `items` (B,) to the columns `earlier` (B, L) of a window; 0 for start and absence."""
        known = earlier < self.n_items
        return torch.where(known, self._between(items, torch.where(known, earlier, 0)), 0.0)

    @abstractmethod
    def _between(self, items: Tensor, others: Tensor) -> Tensor:
        """(B, L) of `items` (B,) to `others` (B, L)."""


class SharedCategories(ItemSimilarity):
    """Jaccard's: the categories that two items share over all that either has; 0 where neither has one."""

    def __init__(self, membership: Tensor) -> None:
        """Args: membership: (n_items, C), which item has which category."""
        self.n_items = len(membership)
        self._membership = membership.to(torch.float32)
        self._counts = self._membership.sum(dim=1)

    def _between(self, items: Tensor, others: Tensor) -> Tensor:
        shared = (self._membership[items][:, None] * self._membership[others]).sum(dim=2)
        return shared / (self._counts[items][:, None] + self._counts[others] - shared).clamp_min(1.0)


class NearColumns(ItemSimilarity):
    """1 / (1 + d), where d is the Euclidean distance of two items' columns."""

    def __init__(self, table: Tensor) -> None:
        """Args: table: (n_users, n_items) what users are expected to give."""
        self.n_items = table.shape[1]
        self._columns = table.T

    def _between(self, items: Tensor, others: Tensor) -> Tensor:
        distances: Tensor = torch.linalg.vector_norm(self._columns[items][:, None] - self._columns[others], dim=2)
        return 1 / (1 + distances)
