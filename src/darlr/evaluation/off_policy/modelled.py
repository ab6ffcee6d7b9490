"""Estimators with a model of the reward.

Symbols, all (n,): rewards r, weights w, the model's estimate q of the logged item, and its expectation v under the judged
policy, which is the sum over items of pi(a|x) q(x, a). The model must not have seen the rows that it judges (see
`reward_model`), or intervals are too narrow.
"""

import numpy as np

from darlr.evaluation.off_policy.terms import Floats, Terms


def direct_method(expected: Floats) -> Terms:
    """Return the direct method: mean of v (n,) (Beygelzimer and Langford, KDD 2009). It is as biased as the model, and
    needs no propensity.
    """
    return Terms.mean(expected)


def doubly_robust(rewards: Floats, weights: Floats, modelled: Floats, expected: Floats) -> Terms:
    """Return the doubly robust estimate: mean of v + w (r - q) (Dudik, Langford and Li, ICML 2011), all (n,).

    Unbiased if the propensities or the model is right; the better the model, the smaller the variance.
    """
    return Terms.mean(expected + weights * (rewards - modelled))


def switch_doubly_robust(rewards: Floats, weights: Floats, modelled: Floats, expected: Floats, largest: float) -> Terms:
    """Return Switch-DR: mean of v + w 1[w <= tau] (r - q) (Wang, Agarwal and Dudik, ICML 2017), tau = `largest`, all (n,).

    Uses the model alone if the weight is above tau.
    """
    return Terms.mean(expected + np.where(weights <= largest, weights, 0.0) * (rewards - modelled))


def shrunk_doubly_robust(rewards: Floats, weights: Floats, modelled: Floats, expected: Floats, shrinkage: float) -> Terms:
    """Return DR with optimistic shrinkage: mean of v + lambda w / (w^2 + lambda) (r - q) (Su et al., ICML 2020), all (n,).

    lambda = `shrinkage` >= 0: 0 gives the direct method, infinity DR.
    """
    return Terms.mean(expected + shrink(weights, shrinkage) * (rewards - modelled))


def shrink(weights: Floats, shrinkage: float) -> Floats:
    """Return (n,) lambda w / (w^2 + lambda)."""
    return weights if np.isinf(shrinkage) else shrinkage * weights / np.maximum(weights**2 + shrinkage, np.finfo(float).tiny)
