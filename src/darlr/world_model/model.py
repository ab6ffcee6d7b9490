"""What every fitted world model offers, whatever it is made of."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from darlr.artifacts.schema import Keys, number, positive


@dataclass(frozen=True)
class Scale:
    """The affine map between rewards and the networks' standardised targets."""

    centre: float
    spread: float

    @classmethod
    def of(cls, rewards: NDArray[np.float32], negatives_per_row: int, negative: float = 0.0) -> "Scale":
        """Mean and standard deviation of what is fitted: the rewards, and beside each so many negatives worth `negative`."""
        weight = 1.0 / (1 + negatives_per_row)
        centre = float(rewards.mean()) * weight + negative * (1 - weight)
        square = float(np.square(rewards, dtype=np.float64).mean()) * weight + negative**2 * (1 - weight)
        return cls(centre, max(square - centre * centre, 1e-12) ** 0.5)

    def standardise(self, rewards: NDArray[np.float32]) -> NDArray[np.float32]:
        return ((rewards - self.centre) / self.spread).astype(np.float32)


SCALE = Keys({"centre": number, "spread": positive})
"""A `Scale` as plain values."""


class WorldModel(Protocol):
    """Predicts what a user would give an item.

    Attributes:
        scale: by which its estimates are standardised where a policy reads them.
    """

    scale: Scale

    def predict(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Estimate and uncertainty of every pair of `users` (n,) and `items` (m,), indices into the log's vocabularies.

        Returns:
            r: (n, m) float32, the estimated reward (Eq. 3).
            P_U: (n, m) float32, its uncertainty as a variance, in squared reward units.
        """
        ...

    def user_vectors(self) -> Tensor:
        """(U, d_u) what it knows of each user of the log (Eq. 2)."""
        ...

    def item_vectors(self) -> Tensor:
        """(I, d) what it knows of each item of the log (Eq. 1; docs/protocol.md, section 2)."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """All that was learned, so that predictions need nothing else."""
        ...

    def state(self) -> dict[str, Any]:
        """Sizes and scale, as plain values."""
        ...
