"""Estimators for whole sessions of T steps. Shapes: S sessions, T steps; entries after a session's end are 0 (ratios 1).

r: rewards (S, T); rho: ratios (S, T), pi(a|s) / pi_0(a|s) of the logged items; gamma: discount. Values are mean returns of
a session.
"""

import numpy as np
from numpy.typing import NDArray

from darlr.evaluation.off_policy.terms import Floats, Terms


def discounts(steps: int, discount: float) -> Floats:
    """Return (T,) gamma^t."""
    factors: Floats = discount ** np.arange(steps, dtype=np.float64)
    return factors


def per_decision_is(rewards: Floats, ratios: Floats, discount: float) -> Terms:
    """Return per-decision importance sampling: mean of sum_t gamma^t rho_0 ... rho_t r_t (Precup, Sutton and Singh, ICML
    2000), (S, T).

    Unbiased if propensities are true and cover the policy; its variance grows exponentially with T.
    """
    return Terms.mean((ratios.cumprod(axis=1) * rewards) @ discounts(rewards.shape[1], discount))


def weighted_is(rewards: Floats, ratios: Floats, discount: float) -> Terms:
    """Return weighted importance sampling: sum of w G over sum of w, with w = rho_0 ... rho_{T-1}, G = sum_t gamma^t r_t,
    from (S, T).

    The source is that of `per_decision_is`. It is consistent, and inside the range of the returns.
    """
    weights = ratios.prod(axis=1)
    return Terms(weights * (rewards @ discounts(rewards.shape[1], discount)), weights)


def independent_steps(rewards: Floats, ratios: Floats, discount: float) -> Terms:
    """Return the state-marginal form: mean of sum_t gamma^t rho_t r_t (Liu et al., NeurIPS 2018, with a state ratio of 1),
    from (S, T).

    It holds if earlier recommendations change neither the user's later wishes nor whether the user stays. Both policies
    then visit the same states, and the product of ratios is not needed.
    """
    return Terms.mean((ratios * rewards) @ discounts(rewards.shape[1], discount))


def sequential_doubly_robust(
    rewards: Floats, ratios: Floats, modelled: Floats, expected: Floats, taken: NDArray[np.bool_], discount: float
) -> Terms:
    """Return doubly robust for sessions: mean of V_0, V_t = v_t + rho_t (r_t + gamma V_{t+1} - q_t) (Jiang and Li, ICML
    2016, Eq. 10).

    Args:
        rewards, ratios: (S, T).
        modelled: (S, T) q_t, estimated return from step t on, of the logged item.
        expected: (S, T) v_t, its expectation under the judged policy.
        taken: (S, T) bool, the steps that were taken; V is 0 after the end.
        discount: gamma.
    """
    value = np.zeros(len(rewards))
    for step in range(rewards.shape[1] - 1, -1, -1):
        here = expected[:, step] + ratios[:, step] * (rewards[:, step] + discount * value - modelled[:, step])
        value = np.where(taken[:, step], here, 0.0)
    return Terms.mean(value)


def fitted_return(expected: Floats) -> Terms:
    """Return the direct method for sessions: mean of v_0 (expected: (S, T)), from fitted Q evaluation (see `fqe`)."""
    return Terms.mean(expected[:, 0])
