"""Counts of categories that an item shares with recently recommended ones."""

import torch
from torch import Tensor, nn

from darlr.world.window import OUTSIDE


class CategoryMemory(nn.Module):
    """Counts categories in windows of items. The start of an episode and the positions before it have no category.

    Attributes:
        membership: (n_items, C) float32, 1 where an item has a category.
    """

    membership: Tensor
    _of_columns: Tensor

    def __init__(self, membership: Tensor) -> None:
        """
        Args:
            membership: (n_items, C) bool or float.
        """
        super().__init__()
        member = membership.to(torch.float32)
        self.register_buffer("membership", member, persistent=False)
        self.register_buffer("_of_columns", torch.cat([member, member.new_zeros(OUTSIDE, member.shape[1])]), persistent=False)

    def counts(self, recent: Tensor) -> Tensor:
        """Count, for each category, the items of `recent` (B, N) that have it.

        Returns:
            (B, C) float32.
        """
        return self._of_columns[recent].sum(dim=1)

    def occurrences(self, items: Tensor, recent: Tensor) -> Tensor:
        """Return (B,) the largest of these counts over the categories of `items` (B,)."""
        return (self.counts(recent) * self.membership[items]).amax(dim=1)

    def shares(self, recent: Tensor) -> Tensor:
        """Return (B, n_items) bool: whether an item shares a category with any of `recent` (B, N)."""
        return (self.counts(recent) @ self.membership.T) > 0
