"""The interface of every fitted world model."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from darlr.artifacts.schema import Keys, number, positive


@dataclass(frozen=True)
class Scale:
    """The affine map between rewards and the standardised targets of the networks."""

    centre: float
    spread: float

    @classmethod
    def of(cls, rewards: NDArray[np.float32], negatives_per_row: int, negative: float = 0.0) -> "Scale":
        """Compute mean and standard deviation of the targets: the rewards (n,), each with `negatives_per_row` negatives of
        value `negative`.
        """
        weight = 1.0 / (1 + negatives_per_row)
        centre = float(rewards.mean()) * weight + negative * (1 - weight)
        square = float(np.square(rewards, dtype=np.float64).mean()) * weight + negative**2 * (1 - weight)
        return cls(centre, max(square - centre * centre, 1e-12) ** 0.5)

    def standardise(self, rewards: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return standardised rewards, of the same shape."""
        return ((rewards - self.centre) / self.spread).astype(np.float32)


SCALE = Keys({"centre": number, "spread": positive})
"""A check for a `Scale` as plain values."""


class WorldModel(Protocol):
    """Predicts the reward that a user would give an item.

    Attributes:
        scale: standardises its estimates for policies.
    """

    scale: Scale

    def predict(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Predict every pair of `users` (n,) and `items` (m,), indices into the log's vocabularies.

        Returns:
            r: (n, m) float32, the estimated reward (Eq. 3).
            P_U: (n, m) float32, its uncertainty as a variance, in squared reward units.
        """
        ...

    def user_vectors(self) -> Tensor:
        """Return (U, d_u) a vector that describes each user of the log (Eq. 2)."""
        ...

    def item_vectors(self) -> Tensor:
        """Return (I, d) a vector that describes each item of the log (Eq. 1; docs/protocol.md, section 2)."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """Return all learned tensors by name, so that predictions need nothing else."""
        ...

    def state(self) -> dict[str, Any]:
        """Return sizes and scale, as plain values."""
        ...
