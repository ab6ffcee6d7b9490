"""What every estimator gives: a numerator and a denominator a row, whose sums' quotient is the value."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Terms:
    """An estimate taken apart by the n rows (or sessions) that it is made of, so that rows can be weighted anew.

    Attributes:
        numerators: (n,) float64.
        denominators: (n,) float64; ones where the estimate is a plain mean.
        bias: the size of its bias, by which both ends of an interval are further out; 0 where it is consistent.
    """

    numerators: Floats
    denominators: Floats
    bias: float = 0.0

    @classmethod
    def mean(cls, values: Floats) -> Self:
        """An estimate that is the mean of `values` (n,)."""
        return cls(values, np.ones(len(values)))

    @property
    def value(self) -> float:
        """The estimate; NaN where the denominators sum to 0: no row tells anything."""
        below = float(self.denominators.sum())
        return float(self.numerators.sum()) / below if below > 0 else float("nan")

    def sums(self, groups: NDArray[np.int64], size: int) -> tuple[Floats, Floats]:
        """(size,) numerators and denominators summed by `groups` (n,), which are 0..size-1."""
        columns = (self.numerators, self.denominators)
        above, below = (np.bincount(groups, column, minlength=size).astype(np.float64) for column in columns)
        return above, below
