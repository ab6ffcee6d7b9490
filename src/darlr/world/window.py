"""What is visible of an episode's past: its last items and rewards, with the start and what lies before it."""

from dataclasses import dataclass

import torch
from torch import Tensor

OUTSIDE = 2
"""Columns that follow the world's items in every table that windows index: the start and absence."""


def start_item(n_items: int) -> int:
    """The column that stands for the start of an episode in a world of `n_items`."""
    return n_items


def absent_item(n_items: int) -> int:
    """The column that stands for positions before the start of an episode."""
    return n_items + 1


@dataclass(frozen=True)
class Window:
    """The last L positions of B running episodes, newest last.

    Items are columns of the world (0..n_items-1), `start_item(n_items)` or `absent_item(n_items)`.

    Attributes:
        items: (B, L) int64.
        rewards: (B, L) float32, normalised to the paying source's range; 1 at the start position, 0 before it.
    """

    items: Tensor
    rewards: Tensor

    @classmethod
    def at_start(cls, n_items: int, length: int, device: torch.device) -> "Window":
        """(1, length) what is visible before the first step of an episode (docs/protocol.md, section 2)."""
        items = torch.full((1, length), absent_item(n_items), device=device)
        items[:, -1] = start_item(n_items)
        rewards = torch.zeros(1, length, device=device)
        rewards[:, -1] = 1.0
        return cls(items, rewards)

    def last(self, size: int) -> "Window":
        """The newest `size` positions (a view)."""
        return Window(self.items[:, -size:], self.rewards[:, -size:])

    def rows(self, chosen: Tensor) -> "Window":
        """The chosen episodes (a copy)."""
        return Window(self.items[chosen], self.rewards[chosen])
