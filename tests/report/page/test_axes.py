"""Limits and ticks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darlr.report.page.axes import limits, names, numbers


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0.0, 30.0, ["0", "5", "10", "15", "20", "25", "30"]),
        (66.9, 88.2, ["70", "75", "80", "85"]),
        (0.41, 0.55, ["0.425", "0.450", "0.475", "0.500", "0.525", "0.550"]),
        (-0.2, 0.3, ["-0.2", "-0.1", "0.0", "0.1", "0.2", "0.3"]),
        (0.0, 12_000.0, ["0", "2,000", "4,000", "6,000", "8,000", "10,000", "12,000"]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, texts: list[str]) -> None:
    assert [text for _, text in numbers("", low, high).ticks] == texts


def test_whole_numbers_alone() -> None:
    assert [text for _, text in numbers("epoch", 0, 3, whole=True).ticks] == ["0", "1", "2", "3"]
    assert [text for _, text in numbers("epoch", 0, 15, whole=True).ticks] == ["0", "5", "10", "15"]


@given(st.floats(-1e6, 1e6), st.floats(1e-4, 1e6))
def test_ticks_lie_on_the_axis_and_say_where_they_are(low: float, extent: float) -> None:
    axis = numbers("", low, low + extent)
    assert 2 <= len(axis.ticks) <= 7
    for at, text in axis.ticks:
        assert -1e-6 <= axis.place(at, 1.0) <= 1 + 1e-6
        assert float(text.replace(",", "")) == pytest.approx(at, abs=1e-9 * max(1, abs(at)))


def test_named_places_have_the_same_room() -> None:
    axis = names("k", ["5", "10"])
    assert [axis.place(at, 100) for at, _ in axis.ticks] == [25, 75]


def test_intervals_are_shown_as_far_as_is_sensible() -> None:
    assert limits([1.0, 2.0], [0.5, 2.5]) == pytest.approx((0.5 - 0.16, 2.5 + 0.16))
    assert limits([1.0, 2.0], [-50.0, 50.0], beyond=0.5) == pytest.approx((0.5 - 0.16, 2.5 + 0.16))
    low, high = limits([5.0])
    assert low < 5.0 < high
    low, high = limits([0.0])
    assert low < 0.0 < high


@pytest.mark.parametrize("values", [(0.0, 1e-300), (1.0, 1.0 + 2e-16), (0.0, 0.0), (-1e300, 1e300), (5e-324,), (0.1, 0.3)])
def test_values_of_any_size_have_an_axis(values: tuple[float, ...]) -> None:
    low, high = limits(values)
    assert low < min(values)
    assert high > max(values)
    axis = numbers("value", low, high)
    assert 1 <= len(axis.ticks) <= 7
