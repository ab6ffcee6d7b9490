"""The signature that every reward has, and the normalisation of rewards in the state."""

from typing import Protocol

from torch import Tensor

from darlr.world.window import Window


class RewardSource(Protocol):
    """Pays for recommendations.

    Attributes:
        low, high: bounds of the rewards, which normalise the state's rewards (protocol section 2).
    """

    low: float
    high: float

    def pay(self, users: Tensor, items: Tensor, window: Window) -> Tensor:
        """Return (B,) float32 rewards of recommending `items` (B,) to `users` (B,), rows of the world, after `window`."""
        ...


def normalised(rewards: Tensor, source: RewardSource) -> Tensor:
    """Return `rewards` (any shape) on the scale of the bounds of `source`: 0 at the lower one, clipped to 1 at the upper
    one.
    """
    return ((rewards - source.low) / (source.high - source.low)).clamp_(max=1.0)
