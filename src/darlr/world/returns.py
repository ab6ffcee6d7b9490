"""The law by which users return: the hours until their next visit. This module does without torch, as `darlr.world.hazard`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RETURN_FEATURES = ("intercept", "satisfaction", "log_length")
"""The features of a visit, in the order of the weights: 1, the mean reward of its steps, and the logarithm of their number.
Rewards lie from 0, the smallest that a user can give, to 1.
"""


@dataclass(frozen=True)
class ReturnLaw:
    """log(hours until the next visit) = v . g + c_u + scale * z with z ~ N(0, 1); docs/protocol.md, section 3.

    Attributes:
        weights: (G,) float64, v, one for each of `RETURN_FEATURES`.
        effects, deviations: (U,) float64, mean and standard deviation of c_u for the log's users.
        scale: the standard deviation of one pause.
    """

    weights: NDArray[np.float64]
    effects: NDArray[np.float64]
    deviations: NDArray[np.float64]
    scale: float

    def __post_init__(self) -> None:
        if self.weights.shape != (len(RETURN_FEATURES),):
            raise ValueError(
                f"the law of returns has weights of shape {self.weights.shape}; expected ({len(RETURN_FEATURES)},)"
            )
