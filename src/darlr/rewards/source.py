"""The one signature that every reward has."""

from typing import Protocol

from torch import Tensor

from darlr.world.window import Window


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
