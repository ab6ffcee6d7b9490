"""The common form of every estimator: a numerator and a denominator for each row; the value is the quotient of their sums."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Terms:
    """An estimate divided into the shares of its n rows (or sessions), so that rows can be weighted anew.

    Attributes:
        numerators: (n,) float64.
        denominators: (n,) float64; ones if the estimate is a plain mean.
        bias: the size of its bias, by which an interval is widened at both ends; 0 if the estimate is consistent.
    """

    numerators: Floats
    denominators: Floats
    bias: float = 0.0

    @classmethod
    def mean(cls, values: Floats) -> Self:
        """Make an estimate that is the mean of `values` (n,)."""
        return cls(values, np.ones(len(values)))

    @property
    def value(self) -> float:
        """The estimate; NaN if the denominators sum to 0."""
        below = float(self.denominators.sum())
        return float(self.numerators.sum()) / below if below > 0 else float("nan")

    def sums(self, groups: NDArray[np.int64], size: int) -> tuple[Floats, Floats]:
        """Return (size,) numerators and denominators summed by `groups` (n,), which are 0..size-1."""
        columns = (self.numerators, self.denominators)
        above, below = (np.bincount(groups, column, minlength=size).astype(np.float64) for column in columns)
        return above, below
