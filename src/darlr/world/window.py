"""The visible past of an episode: its last items and rewards, and markers for its start and for positions before it."""

from dataclasses import dataclass

import torch
from torch import Tensor

OUTSIDE = 2
"""The number of extra columns after the world's items in every table that windows index: the start and absence."""


def start_item(n_items: int) -> int:
    """Return the column that marks the start of an episode in a world of `n_items` items."""
    return n_items


def absent_item(n_items: int) -> int:
    """Return the column that marks positions before the start of an episode."""
    return n_items + 1


@dataclass(frozen=True)
class Window:
    """The last L positions of B running episodes, newest last.

    Items are columns of the world (0..n_items-1), `start_item(n_items)` or `absent_item(n_items)`.

    Attributes:
        items: (B, L) int64.
        rewards: (B, L) float32, normalised by the range of the rewards that are paid; 1 at the start position, 0 before it.
    """

    items: Tensor
    rewards: Tensor

    @classmethod
    def at_start(cls, n_items: int, length: int, device: torch.device) -> "Window":
        """Return the window (1, length) before the first step of an episode (docs/protocol.md, section 2)."""
        items = torch.full((1, length), absent_item(n_items), device=device)
        items[:, -1] = start_item(n_items)
        rewards = torch.zeros(1, length, device=device)
        rewards[:, -1] = 1.0
        return cls(items, rewards)

    def last(self, size: int) -> "Window":
        """Return the newest `size` positions (B, size), as a view."""
        return Window(self.items[:, -size:], self.rewards[:, -size:])

    def rows(self, chosen: Tensor) -> "Window":
        """Return the episodes with the indices or mask `chosen` (n,), as a copy."""
        return Window(self.items[chosen], self.rewards[chosen])
