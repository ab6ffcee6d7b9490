"""All reported statistics: t intervals, paired tests and bootstrap, ranks over data sets."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float | None]:
    """Return mean and sample standard deviation (ddof 1; None for a single value) of one or more values."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None


def interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float | None]:
    """Return the mean of one or more independent values and the half-width of its t interval (None for a single value)."""
    mean, deviation = mean_and_deviation(values)
    if deviation is None:
        return mean, None
    return mean, t_quantile((1 + confidence) / 2, len(values) - 1) * deviation / math.sqrt(len(values))


@cache  # a report asks for the same few quantiles tens of thousands of times
def t_quantile(probability: float, freedom: int) -> float:
    """Return the quantile of Student's t with `freedom` >= 1 degrees of freedom for `probability` in [0.5, 1)."""
    wanted = 2 * probability - 1
    low, high = 0.0, math.pi / 2
    while low < (middle := (low + high) / 2) < high:  # until no number lies between
        if _central_probability(middle, freedom) < wanted:
            low = middle
        else:
            high = middle
    return math.sqrt(freedom) * math.tan(low)


def t_tail(value: float, freedom: int) -> float:
    """Return P(|t| > |value|) for Student's t with `freedom` >= 1 degrees of freedom, accurate even if it is tiny.

    It is the regularised incomplete beta function I_x(freedom / 2, 1 / 2) at x = freedom / (freedom + value^2), a series of
    positive terms (Abramowitz and Stegun, 26.5.4 and 26.7.1). The series is slow if the tail is large, but is not needed
    there.
    """
    central = _central_probability(math.atan(abs(value) / math.sqrt(freedom)), freedom)
    if central < 0.9:
        return 1 - central
    x, half = freedom / (freedom + value * value), freedom / 2
    beta = math.lgamma(half + 0.5) - math.lgamma(half + 1)
    scale = math.exp(beta - half * math.log1p(value * value / freedom)) / math.sqrt(math.pi)
    total, term, order = 0.0, 1.0, 0
    while total + term > total:
        total += term
        term *= x * (half + 0.5 + order) / (half + 1 + order)
        order += 1
    return scale * abs(value) / math.sqrt(freedom + value * value) * total


@dataclass(frozen=True)
class PairedDifference:
    """Ours minus theirs over n pairs.

    Attributes:
        n: number of pairs.
        mean: mean of the differences.
        half_width: half-width of its 95% t interval; None for a single pair.
        p: p value of the two-sided paired t test; None for a single pair, and if all differences are 0 (nothing to test).
    """

    n: int
    mean: float
    half_width: float | None
    p: float | None


def paired_difference(ours: Sequence[float], theirs: Sequence[float]) -> PairedDifference:
    """Compare two methods by one or more pairs (the same seeds in the same order)."""
    differences = [one - other for one, other in zip(ours, theirs, strict=True)]
    mean, deviation = mean_and_deviation(differences)
    half_width = interval(differences)[1]
    if deviation is None or (deviation == 0 and mean == 0):
        p = None
    elif deviation == 0:
        p = 0.0  # the same difference every time
    else:
        p = t_tail(mean / (deviation / math.sqrt(len(differences))), len(differences) - 1)
    return PairedDifference(len(differences), mean, half_width, p)


def unpaired_difference(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float | None]:
    """Return the difference of the means of independent samples, and the half-width of its 95% interval (Welch).

    The degrees of freedom are rounded down to whole ones. The half-width is None if a sample has one value, which has no
    spread.
    """
    (mean, deviation), (other_mean, other_deviation) = mean_and_deviation(ours), mean_and_deviation(theirs)
    if deviation is None or other_deviation is None:
        return mean - other_mean, None
    squares = [deviation**2 / len(ours), other_deviation**2 / len(theirs)]
    if sum(squares) == 0:
        return mean - other_mean, 0.0
    freedom = sum(squares) ** 2 / (squares[0] ** 2 / (len(ours) - 1) + squares[1] ** 2 / (len(theirs) - 1))
    return mean - other_mean, t_quantile(0.975, math.floor(freedom)) * math.sqrt(sum(squares))


def holm(probabilities: Sequence[float]) -> list[float]:
    """Return p values corrected for testing all of them (Holm, 1979), in the given order."""
    order = sorted(range(len(probabilities)), key=probabilities.__getitem__)
    corrected, largest = [0.0] * len(order), 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - place) * probabilities[index]))
        corrected[index] = largest
    return corrected


def bootstrap_interval(
    values: Sequence[float], generator: np.random.Generator, confidence: float = 0.95, resamples: int = 10_000
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of `values` (the differences of pairs, for a paired bootstrap).

    All n^n resamples are used if they are no more than `resamples` (up to 5 values), random ones otherwise. The ends are
    means of resamples, without interpolation. They are the outermost means beyond which less than (1 - confidence) / 2 of
    all lie. So the interval of two or three values reaches from the least to the greatest.
    """
    data = np.asarray(values, np.float64)
    if len(data) ** len(data) <= resamples:
        indices = np.indices((len(data),) * len(data)).reshape(len(data), -1).T
    else:
        indices = generator.integers(len(data), size=(resamples, len(data)))
    means = np.sort(data[indices].mean(axis=1))
    beyond = math.ceil(round((1 - confidence) / 2 * len(means), 6)) - 1  # rounded, since 0.05 is not quite 1 - 0.95
    return float(means[beyond]), float(means[-1 - beyond])


def ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value, 1 for the largest; equal values share the mean of their ranks."""
    return [sum(other > value for other in values) + (sum(other == value for other in values) + 1) / 2 for value in values]


def mean_ranks(results: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return the mean over data sets of each method's rank; `results`: data set -> method -> a value, of which more is better.

    Only methods that every data set has are ranked; the best come first.
    """
    methods = [method for method in next(iter(results.values())) if all(method in values for values in results.values())]
    by_dataset = [ranks([values[method] for method in methods]) for values in results.values()]
    means = {method: statistics.fmean(column) for method, column in zip(methods, zip(*by_dataset, strict=True), strict=False)}
    return dict(sorted(means.items(), key=lambda entry: entry[1]))


def _central_probability(angle: float, freedom: int) -> float:
    """Return P(|t| <= sqrt(freedom) * tan(angle)), the finite sums of Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    odd = freedom % 2
    power = math.cos(angle) if odd else 1.0
    total = 0.0
    for order in range(1 + odd, freedom, 2):
        total += power
        power *= math.cos(angle) ** 2 * order / (order + 1)
    if odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total
