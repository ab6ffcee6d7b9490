"""The law by which users leave at random: the hazard of a step, by the items and rewards so far.

This module does without torch, because the truth of a data set may hold a law, and data sets are listed without torch.
`darlr.world.shown` computes the features.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEATURES = ("intercept", "log_step", "reward", "recent_reward", "shared_categories", "repeats")
"""The features of a step, in the order of the weights; `darlr.world.shown.features` defines them."""


@dataclass(frozen=True)
class LeaveHazard:
    """P(a user leaves after a step | the steps so far) = sigmoid(w . f + b_u); docs/protocol.md, section 1.

    b_u is known only so well: it is normal around `effects` with the standard deviation `deviations`, and drawn anew for
    every episode. With the mean alone, episodes would be too short, because long ones are those of users who stay longer.

    Attributes:
        weights: (F,) float64, w, one for each of `FEATURES`.
        effects, deviations: (U,) float64, mean and standard deviation of b_u for the log's users.
        window: N, the number of earlier items that f looks at.
    """

    weights: NDArray[np.float64]
    effects: NDArray[np.float64]
    deviations: NDArray[np.float64]
    window: int

    def __post_init__(self) -> None:
        if self.weights.shape != (len(FEATURES),):
            raise ValueError(f"the hazard has weights of shape {self.weights.shape}; expected ({len(FEATURES)},)")
