"""Fitted Q evaluation (Le, Voloshin and Yue, ICML 2019), linear in given features, by backward induction over the steps.

Q_t(s, a) = phi(s, a)' theta_t, where theta_t is the ridge regression of r_t + gamma sum_a' pi(a'|s') Q_{t+1}(s', a') on
phi. Each session is valued with coefficients fitted to other sessions.
"""

import numpy as np
from numpy.typing import NDArray

from darlr.evaluation.off_policy.terms import Floats

RIDGE = 1.0


def fqe(
    features: Floats,
    expected_features: Floats,
    rewards: Floats,
    taken: NDArray[np.bool_],
    folds: NDArray[np.int64],
    discount: float,
) -> tuple[Floats, Floats]:
    """Return q (S, T) of the logged items and v (S, T) of the judged policy, cross-fitted.

    Args:
        features: (S, T, d) phi of the logged items, with a constant among them.
        expected_features: (S, T, d) sum over items of pi(a|s) phi(s, a).
        rewards: (S, T).
        taken: (S, T) bool, the steps that were taken.
        folds: (S,) the fold of each session.
        discount: gamma.
    """
    modelled, expected = np.zeros(rewards.shape), np.zeros(rewards.shape)
    for fold in np.unique(folds):
        own = folds == fold
        following: Floats = np.zeros(features.shape[2])
        for step in range(rewards.shape[1] - 1, -1, -1):
            known = ~own & taken[:, step]
            targets = rewards[known, step].copy()
            if step + 1 < rewards.shape[1]:
                targets += discount * taken[known, step + 1] * (expected_features[known, step + 1] @ following)
            following = _ridge(features[known, step], targets)
            modelled[own, step] = features[own, step] @ following
            expected[own, step] = expected_features[own, step] @ following
    return modelled * taken, expected * taken


def _ridge(features: Floats, targets: Floats) -> Floats:
    """Return (d,) coefficients, shrunk to 0 by `RIDGE`."""
    squares = features.T @ features + RIDGE * np.eye(features.shape[1])
    return np.asarray(np.linalg.solve(squares, features.T @ targets), np.float64)
