"""Counts do not depend on how the rows are divided into ranges."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from darlr.data import tallies

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), max_size=40)
EVERY_WIDTH = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=[1, 3, 100])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "AT_ONCE", request.param)


def columns(pairs: list[tuple[int, int]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    rows = np.array(pairs, np.int32).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


@EVERY_WIDTH
@given(PAIRS)
def test_distinct_pairs(at_once: None, pairs: list[tuple[int, int]]) -> None:
    assert tallies.distinct(*columns(pairs), 5).tolist() == sorted({first * 5 + second for first, second in pairs})
    assert tallies.count_distinct(*columns(pairs)) == len(set(pairs))


@EVERY_WIDTH
@given(PAIRS)
def test_the_first_repeat_is_found_in_the_order_of_rows(at_once: None, pairs: list[tuple[int, int]]) -> None:
    repeats = [(row, pairs.index(pair)) for row, pair in enumerate(pairs) if pairs.index(pair) < row]
    assert tallies.first_repeat(*columns(pairs)) == (repeats[0] if repeats else None)


@EVERY_WIDTH
@given(st.lists(st.integers(0, 6), max_size=40))
def test_counts_of_each(at_once: None, values: list[int]) -> None:
    counts = Counter(values)
    assert tallies.count_each(np.array(values, np.int32), 9).tolist() == [counts[value] for value in range(9)]


@EVERY_WIDTH
@given(PAIRS)
def test_partners_are_counted_once(at_once: None, pairs: list[tuple[int, int]]) -> None:
    expected = [len({first for first, second in pairs if second == value}) for value in range(5)]
    assert tallies.count_partners(*columns(pairs), 5).tolist() == expected


@EVERY_WIDTH
@given(st.lists(st.tuples(st.integers(0, 6), st.floats(-1e6, 1e6, width=32)), max_size=40))
def test_sums_are_those_of_numpy_to_the_last_bit(at_once: None, rows: list[tuple[int, float]]) -> None:
    values, weights = np.array([value for value, _ in rows], np.int32), np.array([weight for _, weight in rows], np.float32)
    sums = tallies.sum_each(values, 9, lambda chosen: weights[chosen])
    assert sums.tolist() == np.bincount(values, weights, 9).tolist()
