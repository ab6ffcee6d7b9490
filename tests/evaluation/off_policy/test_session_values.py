"""Sessions of decisions: their layout, and the value of a policy found again."""

import numpy as np
import pytest

from darlr.evaluation.off_policy.decisions import Decisions
from darlr.evaluation.off_policy.session_values import Sessions, judge_sessions
from darlr.evaluation.off_policy.terms import Floats


def test_rows_are_laid_out_by_session() -> None:
    places = Sessions.of(np.array([4, 4, 9, 7, 7, 7]), np.array([1, 1, 2, 3, 3, 3]))
    assert places.users.tolist() == [1, 2, 3]
    assert places.laid_out(np.arange(1.0, 7.0)).tolist() == [[1, 2, 0], [3, 0, 0], [4, 5, 6]]
    assert places.laid_out(np.full(6, 2.0), 1.0)[1].tolist() == [2, 1, 1]


def sessions(n: int, length: int) -> tuple[Decisions, np.ndarray[tuple[int], np.dtype[np.int64]], float]:
    """Make sessions with two items that pay 1 or 0, shown evenly; the policy shows the paying one seven times in ten."""
    random = np.random.default_rng(0)
    best = random.random(n * length) < 0.5
    rewards: Floats = best + random.normal(0, 0.1, n * length)
    halves = np.full(n * length, 0.5)
    modelled, expected = np.where(best, 0.8, 0.2), np.full(n * length, 0.7 * 0.8 + 0.3 * 0.2)
    users = np.repeat(np.arange(n), length)
    logged = Decisions(users, rewards, halves, np.where(best, 0.7, 0.3), modelled, expected, None, np.zeros(n * length))
    return logged, users, 0.7 * length


def test_every_estimator_finds_the_return_of_short_sessions() -> None:
    logged, numbers, value = sessions(6000, 3)
    found = judge_sessions({"mine": logged}, numbers, np.random.default_rng(1))["mine"]
    assert all(each.low < each.value < each.high for name, each in found.items() if name in ("session_dr", "independent_steps"))
    assert all(np.isnan(found[name].low) for name in ("fqe", "weighted_is", "per_decision_is"))
    for estimate in found.values():
        assert estimate.told
        assert estimate.value == pytest.approx(value, rel=0.05)


def test_long_sessions_cannot_be_told_by_products_but_by_steps() -> None:
    logged, numbers, value = sessions(500, 25)
    found = judge_sessions({"mine": logged}, numbers, np.random.default_rng(1))["mine"]
    assert "500 rows are worth" in found["per_decision_is"].objections[0]
    assert found["independent_steps"].told
    assert found["independent_steps"].value == pytest.approx(value, rel=0.05)
