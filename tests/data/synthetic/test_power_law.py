import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darlr.data.synthetic.power_law import Alias, quotas, shares


def test_shares_fall_with_the_rank() -> None:
    np.testing.assert_allclose(shares(np.array([2, 1, 4]), 1.0), np.array([2, 4, 1]) / 7)
    np.testing.assert_allclose(shares(np.array([1, 2, 3]), 0.0), np.full(3, 1 / 3))


@settings(deadline=None)
@given(st.integers(1, 200), st.floats(0, 1.5), st.integers(1, 50), st.floats(0, 1))
def test_quotas_keep_their_limits_and_their_sum(n: int, skew: float, most: int, filled: float) -> None:
    total = n + round(filled * n * (most - 1))
    found = quotas(shares(np.arange(1, n + 1), skew), total, most)
    assert found.sum() == total
    assert found.min() >= 1
    assert found.max() <= most
    assert (np.diff(found) <= 1).all()  # rising ranks, falling quotas but for rounding


def test_quotas_are_in_proportion_between_the_limits() -> None:
    found = quotas(shares(np.arange(1, 1001), 0.5), 100_000, 1_000_000)
    np.testing.assert_allclose(found[[0, 3, 99]] / found[0], [1, 1 / 2, 1 / 10], rtol=0.01)


@pytest.mark.parametrize("weights", [[1.0], [0.1, 0.2, 0.7], [0.0, 1.0], [0.5, 0.0, 0.25, 0.25]])
def test_alias_draws_in_proportion(weights: list[float]) -> None:
    drawn = Alias.of(np.array(weights)).draw((40_000, 5), np.random.default_rng(0))
    assert drawn.shape == (40_000, 5)
    np.testing.assert_allclose(np.bincount(drawn.ravel(), minlength=len(weights)) / 200_000, weights, atol=0.005)
