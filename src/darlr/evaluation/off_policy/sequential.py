"""Estimators for whole sessions of T steps. Shapes: S sessions, T steps; what lies beyond a session's end is 0 (ratios 1).

r: rewards (S, T); rho: ratios (S, T), pi(a|s) / pi_0(a|s) of the logged items; gamma: discount. Values are mean returns of a
session.
"""

import numpy as np
from numpy.typing import NDArray

from darlr.evaluation.off_policy.terms import Floats, Terms


def discounts(steps: int, discount: float) -> Floats:
    """(T,) gamma^t."""
    factors: Floats = discount ** np.arange(steps, dtype=np.float64)
    return factors


def per_decision_is(rewards: Floats, ratios: Floats, discount: float) -> Terms:
    """Per-decision importance sampling: mean of sum_t gamma^t rho_0 ... rho_t r_t (Precup, Sutton and Singh, ICML 2000).

    Unbiased where propensities are true and cover the policy; its variance grows exponentially with T.
    """
    return Terms.mean((ratios.cumprod(axis=1) * rewards) @ discounts(rewards.shape[1], discount))


def weighted_is(rewards: Floats, ratios: Floats, discount: float) -> Terms:
    """Weighted importance sampling: sum of w G over sum of w, w = rho_0 ... rho_{T-1}, G = sum_t gamma^t r_t (same source).

    Consistent, and inside the range of the returns.
    """
    weights = ratios.prod(axis=1)
    return Terms(weights * (rewards @ discounts(rewards.shape[1], discount)), weights)


def independent_steps(rewards: Floats, ratios: Floats, discount: float) -> Terms:
    """State-marginal form: mean of sum_t gamma^t rho_t r_t (Liu et al., NeurIPS 2018, where the state's ratio is 1).

    Holds where earlier recommendations change neither what a user wants later nor whether the user stays: then states come to
    both policies alike, and the product of ratios falls away.
    """
    return Terms.mean((ratios * rewards) @ discounts(rewards.shape[1], discount))


def sequential_doubly_robust(
    rewards: Floats, ratios: Floats, modelled: Floats, expected: Floats, taken: NDArray[np.bool_], discount: float
) -> Terms:
    """Doubly robust for sessions: mean of V_0, V_t = v_t + rho_t (r_t + gamma V_{t+1} - q_t) (Jiang and Li, ICML 2016, Eq. 10).

    Args:
        modelled: (S, T) q_t, estimated return from step t on, of the logged item.
        expected: (S, T) v_t, its expectation under the judged policy.
        taken: (S, T) bool, the steps that were taken; V is 0 beyond.
    """
    value = np.zeros(len(rewards))
    for step in range(rewards.shape[1] - 1, -1, -1):
        here = expected[:, step] + ratios[:, step] * (rewards[:, step] + discount * value - modelled[:, step])
        value = np.where(taken[:, step], here, 0.0)
    return Terms.mean(value)


def fitted_return(expected: Floats) -> Terms:
    """Direct method for sessions: mean of v_0, as fitted Q evaluation gives it (see `fqe`)."""
    return Terms.mean(expected[:, 0])
