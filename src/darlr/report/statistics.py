"""Means, standard deviations and Student's t intervals."""

import math
import statistics
from collections.abc import Sequence


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and sample standard deviation (ddof 1; None for a single value) of one or more values."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None


def interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float | None]:
    """Mean of one or more independent values and the half-width of its t interval (None for a single value)."""
    mean, deviation = mean_and_deviation(values)
    if deviation is None:
        return mean, None
    return mean, t_quantile((1 + confidence) / 2, len(values) - 1) * deviation / math.sqrt(len(values))


def t_quantile(probability: float, freedom: int) -> float:
    """The value that Student's t with `freedom` >= 1 degrees of freedom stays below with `probability` in [0.5, 1)."""
    wanted = 2 * probability - 1
    low, high = 0.0, math.pi / 2
    while low < (middle := (low + high) / 2) < high:  # until no number lies between
        if _central_probability(middle, freedom) < wanted:
            low = middle
        else:
            high = middle
    return math.sqrt(freedom) * math.tan(low)


def _central_probability(angle: float, freedom: int) -> float:
    """P(|t| <= sqrt(freedom) * tan(angle)): the finite sums of Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    odd = freedom % 2
    power = math.cos(angle) if odd else 1.0
    total = 0.0
    for order in range(1 + odd, freedom, 2):
        total += power
        power *= math.cos(angle) ** 2 * order / (order + 1)
    if odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total
