"""Intervals of estimates: a bootstrap over users, and the empirical Bernstein bound."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darlr.evaluation.off_policy.terms import Floats, Terms

CONFIDENCE = 0.95
RESAMPLES = 1000
MOST_GROUPS = 10_000
"""The largest number of groups in a bootstrap; more users are pooled at random, which bounds time and memory."""


@dataclass(frozen=True)
class Resampled:
    """Values of several estimates over the same resamples of the users.

    Attributes:
        values: name -> (RESAMPLES,) values, NaN if a resample gives none.
        biases: name -> the size of its bias, which is mostly 0.
    """

    values: Mapping[str, Floats]
    biases: Mapping[str, float]

    def interval(self, name: str, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Return the percentile interval of an estimate, widened by its bias; NaN if it has no value."""
        return _percentiles(self.values[name], confidence, self.biases[name])

    def difference(self, one: str, other: str, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Return the interval of the difference of two estimates: a paired test over users."""
        return _percentiles(self.values[one] - self.values[other], confidence, self.biases[one] + self.biases[other])


def bootstrap_by_user(terms: Mapping[str, Terms], users: NDArray[np.int64], generator: np.random.Generator) -> Resampled:
    """Return the values of `terms`, all over the rows of `users` (n,), on resamples of the users (Efron, 1979; users as
    clusters).

    It assumes that users are independent of each other; rows of a user may depend on each other. It covers the variance,
    and the bias of a threshold, but not a wrong model or wrong propensities. It is too narrow if a few weights decide (see
    the diagnostics), and for few users.
    """
    _, groups = np.unique(users, return_inverse=True)
    n = int(groups.max()) + 1
    if n > MOST_GROUPS:
        groups, n = generator.permutation(n)[groups] % MOST_GROUPS, MOST_GROUPS
    sums = {name: entry.sums(groups, n) for name, entry in terms.items()}
    table = np.stack([column for pair in sums.values() for column in pair], axis=1)
    resampled = np.empty((RESAMPLES, table.shape[1]))
    for row in resampled:
        row[:] = np.bincount(generator.integers(n, size=n), minlength=n).astype(np.float64) @ table
    below = resampled[:, 1::2]
    values = np.divide(resampled[:, 0::2], below, out=np.full(below.shape, np.nan), where=below > 0)
    return Resampled(
        values=dict(zip(sums, values.T, strict=True)),
        biases={name: entry.bias for name, entry in terms.items()},
    )


def empirical_bernstein(values: Floats, low: float, high: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return mean +- sqrt(2 V ln(4 / d) / n) + 7 (high - low) ln(4 / d) / (3 (n - 1)), d = 1 - confidence (Maurer and
    Pontil, 2009).

    V is the sample variance of the `values` (n,). The interval holds for every n with at least that confidence, if the
    values are independent and lie in low..high. For IPS, with one value for each user, that range is from 0 to the greatest
    possible weight times the greatest reward. The interval is wide.
    """
    n = len(values)
    if n < 2:
        return -math.inf, math.inf
    logarithm = math.log(4 / (1 - confidence))
    half = math.sqrt(2 * float(values.var(ddof=1)) * logarithm / n) + 7 * (high - low) * logarithm / (3 * (n - 1))
    mean = float(values.mean())
    return mean - half, mean + half


def _percentiles(values: Floats, confidence: float, bias: float) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low) - bias, float(high) + bias
