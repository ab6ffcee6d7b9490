"""The one signature that every reward has, and the slice of an episode's past that rewards and states are computed from."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class Window:
    """The last L positions of B running episodes, newest last.

    Items are columns of the world (0..n_items-1); `n_items` stands for the start of the episode and `n_items + 1` for
    positions before it.

    Attributes:
        items: (B, L) int64.
        rewards: (B, L) float32, normalised to the paying source's range; 1 at the start position, 0 before it.
    """

    items: Tensor
    rewards: Tensor

    def last(self, size: int) -> "Window":
        """The newest `size` positions (a view)."""
        return Window(self.items[:, -size:], self.rewards[:, -size:])

    def rows(self, chosen: Tensor) -> "Window":
        """The chosen episodes (a copy)."""
        return Window(self.items[chosen], self.rewards[chosen])


class RewardSource(Protocol):
    """Pays for recommendations.

    Attributes:
        low, high: bounds of what is paid, by which the state's rewards are normalised (protocol section 2).
    """

    low: float
    high: float

    def pay(self, users: Tensor, items: Tensor, window: Window) -> Tensor:
        """(B,) float32 rewards of recommending `items` (B,) to `users` (B,), rows of the world, after `window`."""
        ...
