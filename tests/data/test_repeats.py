from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darlr.data import tallies
from darlr.data.repeats import without_repeats
from tests.worlds import log_of

ROWS = [(0, 0, 1.0), (0, 1, 4.0), (0, 0, 4.0), (1, 0, 2.0), (0, 0, 4.0)]
TIMES = (3.0, 1.0, 9.0, 1.0, 5.0)

Reading = Literal["keep", "last", "mean", "sum"]


@pytest.mark.parametrize(
    ("reading", "rewards", "times"),
    [
        ("last", {(0, 0): 4.0, (0, 1): 4.0, (1, 0): 2.0}, {(0, 0): 9.0, (0, 1): 1.0, (1, 0): 1.0}),
        ("mean", {(0, 0): 3.0, (0, 1): 4.0, (1, 0): 2.0}, {(0, 0): 9.0, (0, 1): 1.0, (1, 0): 1.0}),
        ("sum", {(0, 0): 9.0, (0, 1): 4.0, (1, 0): 2.0}, {(0, 0): 9.0, (0, 1): 1.0, (1, 0): 1.0}),
    ],
)
def test_each_pair_once(reading: Reading, rewards: dict[tuple[int, int], float], times: dict[tuple[int, int], float]) -> None:
    log = without_repeats(log_of(ROWS, 2, 2, TIMES), reading)
    pairs = list(zip(log.users.tolist(), log.items.tolist(), strict=True))
    assert dict(zip(pairs, log.rewards.tolist(), strict=True)) == rewards
    assert log.times is not None
    assert dict(zip(pairs, log.times.tolist(), strict=True)) == times
    assert log.reward_range == (0.0, 9.0 if reading == "sum" else 5.0)


def test_without_times_the_last_row_is_the_last() -> None:
    log = without_repeats(log_of([(0, 0, 1.0), (0, 0, 3.0), (0, 0, 2.0)], 1, 1), "last")
    assert (log.rewards.tolist(), log.times) == ([2.0], None)


def test_keep_keeps() -> None:
    log = log_of(ROWS, 2, 2, TIMES)
    assert without_repeats(log, "keep") is log


@pytest.mark.parametrize("reading", ["mean", "sum"])
def test_a_pair_is_liked_if_any_of_its_rows_is(reading: Reading) -> None:
    log = replace(log_of(ROWS, 2, 2, TIMES), likes=np.array([True, False, False, False, False]))
    merged = without_repeats(log, reading)
    assert merged.likes is not None
    assert {(u, i) for u, i, liked in zip(merged.users, merged.items, merged.likes, strict=True) if liked} == {(0, 0)}


@pytest.mark.parametrize(
    ("rewards", "liked"),
    [((5.0, 1.0), False), ((5.0, 3.0), True), ((4.0, 4.0), True), ((1.0, 5.0, 5.0), False), ((5.0,), True)],
)
def test_a_mean_is_liked_where_it_reaches_the_threshold_itself(rewards: tuple[float, ...], liked: bool) -> None:
    log = replace(log_of([(0, 0, reward) for reward in rewards], 1, 1), positive_threshold=4.0)
    assert without_repeats(log, "mean").liked.tolist() == [liked]


@given(rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 5)), min_size=1, max_size=20))
def test_sums_and_counts_are_kept(rows: list[tuple[int, int, int]]) -> None:
    log = log_of([(user, item, float(reward)) for user, item, reward in rows], 3, 3)
    assert without_repeats(log, "sum").rewards.sum() == log.rewards.sum()
    assert len(without_repeats(log, "mean")) == len({row[:2] for row in rows})


@pytest.mark.parametrize("reading", ["last", "mean", "sum"])
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=20
    ),
    timed=st.booleans(),
)
def test_a_log_too_long_to_be_sorted_at_once_reads_the_same(
    reading: Reading, rows: list[tuple[int, int, int, int]], timed: bool
) -> None:
    times = tuple(float(time) for *_, time in rows) if timed else None
    log = log_of([(user, item, float(reward)) for user, item, reward, _ in rows], 4, 3, times)
    whole = without_repeats(log, reading)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tallies, "AT_ONCE", 2)
        parts = without_repeats(log, reading)
    for name in ("users", "items", "rewards", "times", "likes"):
        one, other = getattr(whole, name), getattr(parts, name)
        assert (one is None and other is None) or one.tolist() == other.tolist(), name
    assert whole.reward_range == parts.reward_range
