"""Intervals against hand-worked values and printed tables."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darlr.evaluation.statistics import (
    PairedDifference,
    bootstrap_interval,
    holm,
    interval,
    mean_and_deviation,
    mean_ranks,
    paired_difference,
    ranks,
    t_quantile,
    t_tail,
    unpaired_difference,
)


def test_mean_and_deviation_by_hand() -> None:
    # mean 5; squared distances 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32; 32 / 7
    mean, deviation = mean_and_deviation([2, 4, 4, 4, 5, 5, 7, 9])
    assert mean == 5
    assert deviation == pytest.approx(math.sqrt(32 / 7), rel=1e-15)
    assert mean_and_deviation([3.5]) == (3.5, None)
    assert mean_and_deviation([30.0] * 200) == (30.0, 0.0)


@pytest.mark.parametrize(
    ("probability", "freedom", "printed"),
    [  # a printed table of Student's t
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 3, 3.182),
        (0.975, 4, 2.776),
        (0.975, 9, 2.262),
        (0.975, 29, 2.045),
        (0.975, 30, 2.042),
        (0.975, 120, 1.980),
        (0.95, 1, 6.314),
        (0.95, 7, 1.895),
        (0.995, 5, 4.032),
        (0.995, 10, 3.169),
        (0.9995, 2, 31.599),
    ],
)
def test_quantiles_of_the_printed_table(probability: float, freedom: int, printed: float) -> None:
    assert t_quantile(probability, freedom) == pytest.approx(printed, abs=0.0006)


@given(st.floats(0.5, 0.9999))
def test_quantiles_in_closed_form(probability: float) -> None:
    assert t_quantile(probability, 1) == pytest.approx(math.tan(math.pi * (probability - 0.5)), rel=1e-9, abs=1e-12)
    half = probability - 0.5
    assert t_quantile(probability, 2) == pytest.approx(2 * half * math.sqrt(2 / (1 - 4 * half**2)), rel=1e-9, abs=1e-12)


def test_many_degrees_of_freedom_approach_the_normal_distribution() -> None:
    assert t_quantile(0.975, 20_001) == pytest.approx(1.95996, abs=2e-4)
    assert t_quantile(0.975, 20_000) == pytest.approx(1.95996, abs=2e-4)


def test_interval_by_hand() -> None:
    # 1, 2, 3: mean 2, deviation 1, t(0.975, 2) = 4.30265, over sqrt(3): 2.48414
    mean, half_width = interval([1.0, 2.0, 3.0])
    assert mean == 2
    assert half_width == pytest.approx(2.484138, abs=1e-6)
    assert interval([4.0]) == (4.0, None)
    assert interval([7.0, 7.0]) == (7.0, 0.0)
    # 90%: t(0.95, 2) = 2.91999, over sqrt(3): 1.68585
    assert interval([1.0, 2.0, 3.0], confidence=0.9)[1] == pytest.approx(1.685854, abs=1e-6)


@pytest.mark.parametrize(
    ("value", "freedom", "p"),
    [  # the same printed table, two-sided
        (12.706, 1, 0.05),
        (4.303, 2, 0.05),
        (-2.776, 4, 0.05),
        (4.032, 5, 0.01),
        (31.599, 2, 0.001),
        (0.0, 7, 1.0),
    ],
)
def test_probabilities_of_the_printed_table(value: float, freedom: int, p: float) -> None:
    assert t_tail(value, freedom) == pytest.approx(p, rel=2e-3)


@pytest.mark.parametrize("value", [0.1, 1.0, 3.0, 40.0, 1e6, 1e12])
def test_tails_in_closed_form(value: float) -> None:
    assert t_tail(value, 1) == pytest.approx(2 / math.pi * math.atan(1 / value), rel=1e-12)
    root = math.sqrt(value**2 + 2)  # 1 - value / root, without the difference
    assert t_tail(-value, 2) == pytest.approx(2 / (root * (root + value)), rel=1e-12)
    # 3: 1 - 2/pi (atan(s) + s / (1 + s^2)) with s = value / sqrt(3), which for large s is 4 / (3 pi s^3) (1 - 6/5 s^-2 ...)
    s = value / math.sqrt(3)
    if s > 1e5:
        assert t_tail(value, 3) == pytest.approx(4 / (3 * math.pi * s**3), rel=1e-9)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 50, 1000])
def test_tails_are_one_less_the_centre(freedom: int) -> None:
    for probability in (0.6, 0.9, 0.94, 0.96, 0.99, 0.9999):
        assert t_tail(t_quantile(probability, freedom), freedom) == pytest.approx(2 * (1 - probability), rel=1e-9)


def test_paired_difference_by_hand() -> None:
    # differences 1, 2, 3: mean 2, deviation 1, t = 2 sqrt(3) = 3.4641 with 2 degrees of freedom;
    # P(|t| <= x) = x / sqrt(x^2 + 2) = sqrt(12 / 14) there, so p = 0.074180
    found = paired_difference([11.0, 22.0, 33.0], [10.0, 20.0, 30.0])
    assert (found.n, found.mean) == (3, 2)
    assert found.half_width == pytest.approx(2.484138, abs=1e-6)
    assert found.p == pytest.approx(1 - math.sqrt(12 / 14), abs=1e-12)
    assert paired_difference([10.0, 20.0, 30.0], [11.0, 22.0, 33.0]).p == pytest.approx(found.p or 0)


def test_paired_difference_at_its_limits() -> None:
    assert paired_difference([3.0], [1.0]) == PairedDifference(1, 2.0, None, None)
    assert paired_difference([1.0, 2.0], [1.0, 2.0]) == PairedDifference(2, 0.0, 0.0, None)
    assert paired_difference([2.0, 3.0], [1.0, 2.0]) == PairedDifference(2, 1.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="shorter"):
        paired_difference([1.0, 2.0], [1.0])


def test_pairs_find_what_intervals_hide() -> None:
    ours, theirs = [71.0, 75.1, 79.0, 83.1], [70.0, 74.0, 78.0, 82.0]
    assert (interval(ours)[1] or 0) > 5
    assert (paired_difference(ours, theirs).p or 1) < 0.001


def test_holm_by_hand() -> None:
    # smallest first: 4 * 0.005, then 3 * 0.01, 2 * 0.03, 1 * 0.04 raised to what came before
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


def test_bootstrap_of_few_values_is_exact() -> None:
    def ends(values: list[float], confidence: float = 0.95) -> tuple[float, float]:
        return bootstrap_interval(values, np.random.default_rng(0), confidence)

    # Of 0 and 1 there are four resamples, with means 0, 0.5, 0.5 and 1: a quarter each lies at the ends.
    assert ends([0.0, 1.0]) == (0.0, 1.0)
    assert ends([0.0, 1.0], confidence=0.5) == (0.0, 1.0)
    assert ends([0.0, 1.0], confidence=0.4) == (0.5, 0.5)
    # Of 0, 3 and 9 there are 27: one of mean 0 and one of mean 9 (3.7% each); then means 1 and 7 (three each).
    assert ends([0.0, 3.0, 9.0]) == pytest.approx((0.0, 9.0))
    assert ends([0.0, 3.0, 9.0], confidence=0.92) == pytest.approx((1.0, 7.0))
    # Of 0, 0, 0 and 4, with m fours among four draws the mean is m: 81, 108, 54, 12 and 1 of 256.
    assert ends([0.0, 0.0, 0.0, 4.0]) == pytest.approx((0.0, 3.0))
    assert ends([0.0, 0.0, 0.0, 4.0], confidence=0.9) == pytest.approx((0.0, 3.0))
    assert ends([0.0, 0.0, 0.0, 4.0], confidence=0.89) == pytest.approx((0.0, 2.0))
    assert bootstrap_interval([0.0, 1.0], np.random.default_rng(1)) == bootstrap_interval([0.0, 1.0], np.random.default_rng(0))
    assert bootstrap_interval([3.0], np.random.default_rng(0)) == (3.0, 3.0)


def test_bootstrap_of_many_values_is_near_the_normal_interval() -> None:
    values = np.random.default_rng(0).normal(5.0, 2.0, 400)
    low, high = bootstrap_interval(list(values), np.random.default_rng(1))
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.02)
    assert high == pytest.approx(values.mean() + half, abs=0.02)


def test_ranks_share_ties() -> None:
    assert ranks([5.0, 9.0, 5.0, 1.0]) == [2.5, 1.0, 2.5, 4.0]
    assert ranks([2.0, 2.0, 2.0]) == [2.0, 2.0, 2.0]
    assert ranks([]) == []


@given(st.lists(st.integers(0, 5).map(float), min_size=1))
def test_ranks_add_up(values: list[float]) -> None:
    assert sum(ranks(values)) == pytest.approx(len(values) * (len(values) + 1) / 2)


def test_mean_ranks_by_hand() -> None:
    results = {
        "coat": {"mbpo": 78.0, "dorl": 79.0, "darlr": 80.0, "gt": 88.0},
        "kuairec": {"dorl": 12.0, "mbpo": 13.0, "darlr": 13.0},
    }
    assert mean_ranks(results) == {"darlr": 1.25, "mbpo": 2.25, "dorl": 2.5}
    assert list(mean_ranks(results)) == ["darlr", "mbpo", "dorl"]


def test_unpaired_difference_with_welchs_interval() -> None:
    mean, half_width = unpaired_difference([4.0, 6.0, 8.0], [1.0, 2.0, 3.0])
    assert mean == 4.0
    assert half_width == pytest.approx(4.30265 * (5 / 3) ** 0.5, rel=1e-5)  # 2.9 degrees of freedom, taken as 2
    assert unpaired_difference([4.0], [1.0, 2.0]) == (2.5, None)
    assert unpaired_difference([4.0, 4.0], [1.0, 1.0]) == (3.0, 0.0)
