"""Estimators of sessions: hand-worked numbers, a slow twin, and an exact value that FQE must find."""

import numpy as np
import pytest

from darlr.evaluation.off_policy.fqe import fqe
from darlr.evaluation.off_policy.sequential import (
    fitted_return,
    independent_steps,
    per_decision_is,
    sequential_doubly_robust,
    weighted_is,
)

REWARDS = np.array([[1.0, 2.0], [0.0, 4.0]])
RATIOS = np.array([[2.0, 0.5], [0.5, 3.0]])
TAKEN = np.ones((2, 2), bool)


def test_by_hand() -> None:
    # Products: 2, 1 and 0.5, 1.5; discounted returns: 1 + 1 and 0 + 2.
    assert per_decision_is(REWARDS, RATIOS, 0.5).value == pytest.approx((2 + 0.5 * 2 + 0.5 * 1.5 * 4) / 2)
    assert weighted_is(REWARDS, RATIOS, 0.5).value == pytest.approx((1 * 2 + 1.5 * 2) / 2.5)
    assert independent_steps(REWARDS, RATIOS, 0.5).value == pytest.approx((2 + 0.5 * 1 + 0.5 * 12) / 2)


def test_doubly_robust_by_hand() -> None:
    modelled, expected = np.array([[1.0, 1.0], [2.0, 3.0]]), np.array([[1.5, 2.0], [1.0, 2.5]])
    # V_1 = 2 + 0.5 (2 - 1) = 2.5 and 2.5 + 3 (4 - 3) = 5.5; V_0 = 1.5 + 2 (1 + 1.25 - 1) = 4 and 1 + 0.5 (0 + 2.75 - 2) = 1.375
    value = sequential_doubly_robust(REWARDS, RATIOS, modelled, expected, TAKEN, 0.5).value
    assert value == pytest.approx((4 + 1.375) / 2)
    ended = np.array([[True, True], [True, False]])
    short = sequential_doubly_robust(REWARDS, RATIOS, modelled, expected, ended, 0.5).value
    assert short == pytest.approx((4 + 1 + 0.5 * (0 - 2)) / 2)


def test_without_a_model_doubly_robust_is_per_decision() -> None:
    zeros = np.zeros((2, 2))
    assert sequential_doubly_robust(REWARDS, RATIOS, zeros, zeros, TAKEN, 0.9).value == pytest.approx(
        per_decision_is(REWARDS, RATIOS, 0.9).value
    )


def test_fqe_finds_the_return_of_a_small_chain() -> None:
    """State 0 or 1; item 1 pays the state and leads to state 1, item 0 pays 0.5 and leads to state 0."""
    random = np.random.default_rng(0)
    sessions, steps, discount = 4000, 4, 0.9
    policy = np.array([[0.2, 0.8], [0.4, 0.6]])  # state -> items
    state = np.zeros(sessions, np.int64)
    features, expected = np.zeros((sessions, steps, 4)), np.zeros((sessions, steps, 4))
    rewards = np.zeros((sessions, steps))
    for step in range(steps):
        items = random.integers(2, size=sessions)
        features[np.arange(sessions), step, 2 * state + items] = 1
        for item in range(2):
            expected[np.arange(sessions), step, 2 * state + item] = policy[state, item]
        rewards[:, step] = np.where(items == 1, state, 0.5) + random.normal(0, 0.1, sessions)
        state = items
    value = np.zeros(2)  # exact, backwards
    for _ in range(steps):
        value = np.array(
            [policy[s, 0] * (0.5 + discount * value[0]) + policy[s, 1] * (s + discount * value[1]) for s in (0, 1)]
        )
    taken = np.ones((sessions, steps), bool)
    modelled, valued = fqe(features, expected, rewards, taken, np.arange(sessions) % 2, discount)
    assert fitted_return(valued).value == pytest.approx(value[0], abs=0.02)
    ratios = (features * np.tile(policy.reshape(-1), (sessions, steps, 1))).sum(axis=2) / 0.5
    robust = sequential_doubly_robust(rewards, ratios, modelled, valued, taken, discount).value
    assert robust == pytest.approx(value[0], abs=0.05)
