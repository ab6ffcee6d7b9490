"""The one signature that every reward has, and how the state sees what was paid."""

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


def normalised(rewards: Tensor, source: RewardSource) -> Tensor:
    """`rewards` that `source` paid, on the scale of its bounds: 0 at the lower one, cut to 1 at the upper one."""
    return ((rewards - source.low) / (source.high - source.low)).clamp_(max=1.0)
