"""Intervals against hand-worked values and printed tables."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darlr.report.statistics import interval, mean_and_deviation, t_quantile


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
