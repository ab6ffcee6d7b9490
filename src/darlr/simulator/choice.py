"""The choice model: which item of a slate a user takes (docs/protocol.md, section 9).

A conditional logit (McFadden, 1974) over the rewards r that the user would give:

    u_i = scale * (r_i - low) / (high - low)
    P(i | slate) = exp(u_i) / (exp(u_nothing) + sum over the slate of exp(u_j))

`low` and `high` are the smallest and largest reward that a user can give, so the same settings mean the same for estimates
and for the truth. Without a utility of nothing, its term is left out.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from darlr.world.settings import SlateConfig


@dataclass(frozen=True)
class ConditionalLogit:
    """The choice model.

    Attributes:
        low, high: smallest and largest reward that a user can give.
        scale: the utility of `high`; that of `low` is 0.
        nothing: the utility of choosing nothing; None if users always choose an item.
    """

    low: float
    high: float
    scale: float
    nothing: float | None

    @classmethod
    def of(cls, config: SlateConfig, paid_range: tuple[float, float]) -> Self:
        """Make the model of users whose rewards lie in `paid_range`."""
        nothing = None if config.nothing is None else config.scale * config.nothing
        return cls(*paid_range, config.scale, nothing)

    def utilities(self, rewards: Tensor) -> Tensor:
        """Return the utilities of items by the `rewards` (any shape) that the user would give them."""
        return self.scale * (rewards - self.low) / (self.high - self.low)

    def probabilities(self, utilities: Tensor) -> Tensor:
        """Return the probabilities of choosing each item of slates with `utilities` (B, k).

        Returns:
            (B, k), or (B, k + 1) with that of choosing nothing last.
        """
        if self.nothing is not None:
            utilities = torch.cat([utilities, torch.full_like(utilities[:, :1], self.nothing)], dim=1)
        return utilities.softmax(dim=1)


def choose_places(probabilities: Tensor, uniform: Tensor) -> Tensor:
    """Return (B,) places in 0..n-1 with `probabilities` (B, n), by inverting their sums at `uniform` (B,) in 0..1."""
    cumulated = probabilities.cumsum(dim=1)
    places = torch.searchsorted(cumulated, uniform[:, None] * cumulated[:, -1:], right=True).squeeze(1)
    return places.clamp_(max=probabilities.shape[1] - 1)
