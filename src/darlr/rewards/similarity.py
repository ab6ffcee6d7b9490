"""How alike an item is to those of an episode's past: by shared categories, or by what users are expected to give."""

import torch
from torch import Tensor

from darlr.rewards.estimates.interface import Estimates


class ItemSimilarity:
    """A number from 0 (nothing in common) to 1 (the same) for pairs of items.

    With categories it is Jaccard's: shared categories over all that either item has. Without, it is 1 / (1 + d), where d is the
    Euclidean distance of the two items' columns of estimates.
    """

    def __init__(self, described: Tensor, by_category: bool) -> None:
        """Args: described: (n_items, C) which item has which category, or (n_items, n_users) estimates."""
        self._described, self._by_category = described.to(torch.float32), by_category
        self._counts = self._described.sum(dim=1)

    @classmethod
    def of(cls, membership: Tensor, estimates: Estimates) -> "ItemSimilarity":
        """Args: membership: (n_items, C); estimates: (n_users, n_items), which count where there are no categories."""
        return cls(membership, True) if membership.shape[1] else cls(estimates.table().T, False)

    def to_earlier(self, items: Tensor, earlier: Tensor) -> Tensor:
        """(B, L) of `items` (B,) to the columns `earlier` (B, L) of a window; 0 for start and absence."""
        known = earlier < len(self._described)
        others = torch.where(known, earlier, 0)
        own, theirs = self._described[items][:, None], self._described[others]
        if self._by_category:
            shared = (own * theirs).sum(dim=2)
            alike = shared / (self._counts[items][:, None] + self._counts[others] - shared).clamp_min(1.0)
        else:
            alike = 1 / (1 + (own - theirs).norm(dim=2))
        return torch.where(known, alike, 0.0)
