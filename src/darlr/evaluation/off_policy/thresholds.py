"""How far weights are clipped or shrunk: where the estimated mean squared error is least (Su et al., ICML 2020, section 5)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from darlr.evaluation.off_policy.modelled import shrink
from darlr.evaluation.off_policy.terms import Floats

QUANTILES = (0.95, 0.99, 0.999, 1.0)
"""Of the positive weights: the thresholds that are tried, beside none. Lower ones would leave the value to the model, whose
errors no interval knows."""

Change = Callable[[Floats, float], Floats]
"""(weights, threshold) -> changed weights."""


def clip(weights: Floats, largest: float) -> Floats:
    """min(w, M)."""
    return np.minimum(weights, largest)


def drop_above(weights: Floats, largest: float) -> Floats:
    """w where it is at most tau, else 0."""
    return np.where(weights <= largest, weights, 0.0)


def shrink_squared(weights: Floats, scale: float) -> Floats:
    """`shrink` with lambda = scale^2, so that the scale is that of a weight."""
    return shrink(weights, scale**2)


@dataclass(frozen=True)
class Threshold:
    """A threshold, and the size of the bias that it brings: the root mean square of what it is estimated to take away."""

    value: float
    bias: float


def chosen_threshold(weights: Floats, residuals: Floats, base: Floats, change: Change) -> Threshold:
    """The threshold with the least estimated error of the mean of base + change(w, threshold) residual.

    The error is the square of the bias, estimated by the mean of d = (w - changed w) residual, and the variance over n. That
    mean is as uncertain as what a threshold removes, and the least error is often a lucky one. So intervals are told
    sqrt(mean(d)^2 + var(d) / n) as the size of the bias: they are about as wide as without a threshold.

    Args:
        residuals: (n,) r, or r - q.
        base: (n,) what is added to them: v, or zeros.
    """
    positive = weights[weights > 0]
    if len(positive) == 0:
        return Threshold(float("inf"), 0.0)
    candidates = [*np.unique(np.quantile(positive, QUANTILES)), float("inf")]
    n = len(weights)

    def error(threshold: float) -> float:
        changed = change(weights, threshold)
        bias = float(np.mean((weights - changed) * residuals))
        return bias**2 + float(np.var(base + changed * residuals)) / n

    chosen = float(min(candidates, key=error))
    lost = (weights - change(weights, chosen)) * residuals
    return Threshold(chosen, math.sqrt(float(lost.mean()) ** 2 + float(lost.var()) / n))
