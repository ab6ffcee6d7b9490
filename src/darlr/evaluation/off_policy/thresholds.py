"""The choice of how far weights are clipped or shrunk, by the least estimated mean squared error (Su et al., ICML 2020,
section 5).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from darlr.evaluation.off_policy.modelled import shrink
from darlr.evaluation.off_policy.terms import Floats

QUANTILES = (0.95, 0.99, 0.999, 1.0)
"""Quantiles of the positive weights that are tried as thresholds, besides none. Lower ones would leave the value to the
model, whose errors no interval covers.
"""

Change = Callable[[Floats, float], Floats]
"""(weights, threshold) -> changed weights."""


def clip(weights: Floats, largest: float) -> Floats:
    """Return min(w, M), (n,)."""
    return np.minimum(weights, largest)


def drop_above(weights: Floats, largest: float) -> Floats:
    """Return w (n,) where it is at most tau, else 0."""
    return np.where(weights <= largest, weights, 0.0)


def shrink_squared(weights: Floats, scale: float) -> Floats:
    """Return `shrink` of the weights (n,) with lambda = scale^2, so that the scale has the unit of a weight."""
    return shrink(weights, scale**2)


@dataclass(frozen=True)
class Threshold:
    """A threshold, and the size of its bias: the root mean square of the estimated loss."""

    value: float
    bias: float


def chosen_threshold(weights: Floats, residuals: Floats, base: Floats, change: Change) -> Threshold:
    """Return the threshold with the least estimated error of the mean of base + change(w, threshold) residual.

    The error is the square of the bias plus the variance over n. The bias is estimated by the mean of d = (w - changed w)
    residual. That mean is as uncertain as the removed part, and the least error is often a lucky one. So intervals use
    sqrt(mean(d)^2 + var(d) / n) as the size of the bias: they are about as wide as without a threshold.

    Args:
        weights: (n,) w.
        residuals: (n,) r, or r - q.
        base: (n,) the other term: v, or zeros.
        change: changes the weights.
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
