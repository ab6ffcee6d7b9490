"""Sessions of a log, worked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from darlr.data.exposure import Exposure
from darlr.data.log import InteractionLog
from darlr.data.sessions import Sessions, sessions_of
from darlr.errors import InputError
from tests.worlds import log_of

MINUTES = 60.0


def log(times: list[float] | None, exposure: Exposure | None = None) -> InteractionLog:
    """Six rows of two users; item i is in row i."""
    rows = [(0, 0, 1.0), (1, 1, 1.0), (0, 2, 1.0), (0, 3, 1.0), (1, 4, 1.0), (0, 5, 1.0)]
    return replace(log_of(rows, 2, 6, times), exposure=exposure)


def items(found: Sessions) -> list[tuple[int, list[int]]]:
    """(user, rows) of every session."""
    parts = np.split(found.rows, np.cumsum(found.lengths)[:-1])
    return [(int(user), part.tolist()) for user, part in zip(found.users, parts, strict=True)]


def test_a_pause_longer_than_the_gap_begins_a_session() -> None:
    found = sessions_of(log([0, 5, 10 * MINUTES, 41 * MINUTES, 2, 71 * MINUTES]), gap=30)
    assert items(found) == [(0, [0, 2]), (0, [3, 5]), (1, [4, 1])]  # 31 minutes are a pause, 30 are not
    assert found.numbers.tolist() == [0, 0, 1, 1, 2, 2]
    assert found.places.tolist() == [0, 1, 0, 1, 0, 1]
    assert found.begun is not None
    assert found.over is not None
    assert found.begun.tolist() == [0, 41 * MINUTES, 2]
    assert found.over.tolist() == [10 * MINUTES, 71 * MINUTES, 5]


def test_a_session_has_ended_if_the_log_goes_on_for_longer_than_the_gap() -> None:
    found = sessions_of(log([0, 5, 10 * MINUTES, 41 * MINUTES, 2, 71 * MINUTES]), gap=30)
    assert found.ended.tolist() == [True, False, True]
    assert sessions_of(log([0, 5, 10 * MINUTES, 41 * MINUTES, 2, 71 * MINUTES]), gap=3).ended.tolist() == [
        *[True] * 3, False, True
    ]  # fmt: skip


def test_recorded_sessions_are_taken_in_the_order_of_their_steps() -> None:
    exposure = Exposure(sessions=np.array([7, 1, 7, 3, 1, 3]), steps=np.array([2, 1, 1, 1, 2, 2]))
    found = sessions_of(log(None, exposure), gap=30)
    assert items(found) == [(0, [3, 5]), (0, [2, 0]), (1, [1, 4])]
    assert found.ended.all()  # nothing says that one goes on
    assert found.begun is None


def test_recorded_sessions_of_a_log_with_times_stand_in_the_order_of_time() -> None:
    exposure = Exposure(sessions=np.array([7, 1, 7, 3, 1, 3]))
    found = sessions_of(log([1, 5, 2, 9_000, 4, 9_001], exposure), gap=30)
    assert items(found) == [(0, [0, 2]), (0, [3, 5]), (1, [4, 1])]
    assert found.ended.tolist() == [True, False, True]


def test_unsorted_rows_give_the_same_sessions() -> None:
    times = np.array([0, 5, 600, 2_460, 2, 4_260.0])
    order = np.random.default_rng(0).permutation(6)
    plain, shuffled = log(times.tolist()), log(times.tolist()).rows(order)
    assert [(user, order[rows].tolist()) for user, rows in items(sessions_of(shuffled, 30))] == items(sessions_of(plain, 30))


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (log(None), "neither sessions nor times"),
        (log(None, Exposure(propensities=np.full(6, 0.5))), "neither sessions nor times"),
        (log(None, Exposure(sessions=np.zeros(6, np.int64))), "rows of two users"),
        (log([0.0] * 6, Exposure(sessions=np.array([0, 0, 1, 2, 3, 4]))), "rows of two users"),
    ],
)
def test_refuses_what_has_no_sessions(of: InteractionLog, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sessions_of(of, 30)
