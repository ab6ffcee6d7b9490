"""Logged recommendations with the judged policy's probabilities of them, checked."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darlr.errors import InputError
from darlr.evaluation.off_policy.terms import Floats

TOLERANCE = 1e-3
"""The largest deviation from 1 of the sum of all items' probabilities."""


@dataclass(frozen=True)
class Decisions:
    """n logged recommendations.

    Attributes:
        users: (n,) int64 codes; rows of one user belong together.
        rewards: (n,) float64.
        propensities: (n,) float64 in (0, 1], the probability with which the shown item was shown.
        probabilities: (n,) float64 in [0, 1], the probability with which the judged policy recommends it.
        modelled: (n,) float64, a model's estimate of its reward.
        expected: (n,) float64, the model's expectation under the judged policy.
        group_weights: (n,) float64, weight of the shown item's group; None if items have no groups.
        unsupported: (n,) float64 in [0, 1], the policy's probability of items that the log never shows.

    Raises:
        InputError: for columns that have another length or are not finite, propensities outside (0, 1] and probabilities
            outside [0, 1].
    """

    users: NDArray[np.int64]
    rewards: Floats
    propensities: Floats
    probabilities: Floats
    modelled: Floats
    expected: Floats
    group_weights: Floats | None = None
    unsupported: Floats | None = None

    def __post_init__(self) -> None:
        n = len(self.users)
        if n == 0:
            raise InputError("there is no logged recommendation to judge by; expected at least one")
        for name, column in vars(self).items():
            if column is not None and column.shape != (n,):
                raise InputError(f"the decisions' {name} have shape {column.shape}; expected ({n},) like their users")
            if column is not None and not np.isfinite(column).all():
                raise InputError(f"the decisions' {name} are not finite in row {int(np.argmin(np.isfinite(column)))}")
        _require("propensity", self.propensities, (self.propensities > 0) & (self.propensities <= 1), "more than 0, at most 1")
        inside = (self.probabilities >= 0) & (self.probabilities <= 1 + TOLERANCE)
        _require("probability", self.probabilities, inside, "0 to 1")

    def __len__(self) -> int:
        return len(self.users)

    @property
    def weights(self) -> Floats:
        """(n,) pi(a|x) / pi_0(a|x)."""
        return self.probabilities / self.propensities


def require_distributions(probabilities: NDArray[np.floating], what: str) -> None:
    """Raise `InputError` naming the first row of `probabilities` (m, n_items) that is not a distribution."""
    usable = np.isfinite(probabilities) & (probabilities >= 0)
    if not usable.all():
        row = int(np.argmin(usable.all(axis=1)))
        raise InputError(f"{what}: row {row} has a probability below 0 or none; expected 0 to 1 for every item")
    sums = probabilities.sum(axis=1, dtype=np.float64)
    wrong = np.abs(sums - 1) > TOLERANCE
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(f"{what}: the probabilities of row {row} sum to {sums[row]:.4g}; expected 1")


def _require(what: str, column: Floats, usable: NDArray[np.bool_], expected: str) -> None:
    if not usable.all():
        row = int(np.argmin(usable))
        raise InputError(f"the {what} of logged row {row} is {column[row]:g}; expected {expected}")
