from pathlib import Path

import numpy as np
import pytest

from darlr.data.plausibility.logs import span
from tests.data.plausibility.folders import LOG, notes_of

STARS = "feedback: positive-only, minimum: 1, maximum: 5"
CLICKS = "feedback: positive-only, minimum: 0, maximum: 1"
FOURS = "user_id,item_id,reward\n1,10,4\n1,20,4\n2,10,4\n2,20,4\n"


@pytest.mark.parametrize(
    ("log", "reward", "note"),
    [
        (
            FOURS,
            "feedback: ratings, minimum: 1, maximum: 5",
            "every reward of the log is 4, so its rows alone do not tell what users like: pairs without a row "
            "are taken as worth 1, "
            "the smallest",
        ),
        (
            LOG,
            STARS,
            "feedback is 'positive-only', but rewards run from 1 to 5: every row counts as positive, the "
            "smallest too, and pairs "
            "without a row as worth 1; expected 'ratings' if low rewards are dislikes",
        ),
        (
            FOURS,
            STARS,
            "feedback is 'positive-only' with rewards in 1..5, and every reward of the log is 4: pairs without a "
            "row count as worth 1",
        ),
    ],
)
def test_rewards_that_say_little_are_noted(tmp_path: Path, log: str, reward: str, note: str) -> None:
    assert note in notes_of(tmp_path, reward=reward, interactions=log)


def test_clicks_are_not_noted(tmp_path: Path) -> None:
    assert notes_of(tmp_path, reward=CLICKS, interactions=FOURS.replace(",4", ",1")) == []


def test_users_and_items_that_are_seen_once_are_noted(tmp_path: Path) -> None:
    rows = "".join(f"{user},{user % 3},{user % 5 + 1}\n" for user in range(20))
    found = notes_of(tmp_path, interactions="user_id,item_id,reward\n" + rows)
    assert found == ["no user is seen more than once in the log; do its user ids name users, or rows?"]
    found = notes_of(tmp_path, interactions="user_id,item_id,reward\n" + rows + "0,1,3\n")
    assert found == ["only 1 of 20 users are seen more than once in the log; do its user ids name users, or rows?"]


def test_a_truth_that_overlaps_the_log_is_noted(tmp_path: Path) -> None:
    truth = "user_id,item_id,reward\n1,10,5\n1,30,4\n2,10,2\n2,30,1\n"
    assert notes_of(tmp_path, truth=truth) == [
        "the log has 3 of the truth's 4 cells (75.0%); in these cells policies are judged by rewards that they learned from"
    ]
    assert notes_of(tmp_path, truth="user_id,item_id,reward\n1,30,4\n") == []


def test_a_truth_of_all_users_and_items_has_every_row_of_the_log(tmp_path: Path) -> None:
    truth = "user_id,item_id,reward\n1,10,5\n1,20,3\n1,30,4\n2,10,2\n2,20,5\n2,30,1\n"
    assert notes_of(tmp_path, truth=truth) == []


@pytest.mark.parametrize(
    ("times", "note"),
    [
        ((7, 7, 7, 7), "every time of the log is 7, so nothing in it follows anything"),
        (
            (20200101, 20200102, 20201231, 20200103),
            "times 20200101..20201231 look like dates written as numbers; expected seconds, or dates as 2020-07-05",
        ),
        (
            (20200101120000, 20200101120001, 20200102000000, 20200103000000),
            "times 20200101120000..20200103000000 look like dates written as numbers; expected seconds, or dates as 2020-07-05",
        ),
        (
            (1700000000, 1700000001000, 1700000002000, 1700000003000),
            "3 times of the log look like milliseconds since 1970 and 1 like seconds; expected one unit, as rows are put in "
            "order by these numbers",
        ),
        (
            (1700000000, 1700000001, 1700000002, 1700000003000000000),
            "3 times of the log look like seconds since 1970 and 1 like nanoseconds; expected one unit, as rows are put in "
            "order by these numbers",
        ),
    ],
)
def test_doubtful_times_are_noted(tmp_path: Path, times: tuple[int, ...], note: str) -> None:
    first, *rows = LOG.splitlines()
    log = "\n".join([f"{first},timestamp", *(f"{row},{time}" for row, time in zip(rows, times, strict=True))])
    assert note in notes_of(tmp_path, interactions=log + "\n")


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_the_span_of_times_is_shown_as_dates(unit: int) -> None:
    times = np.array([1_593_952_200, 1_593_952_201]) * unit
    assert span(times.astype(np.float64)) == (
        f"2020-07-05 12:30:00 to 2020-07-05 12:30:01 UTC, as numbers {times[0]}..{times[1]}"
    )
    assert span(np.array([1.0, 400.0])) == "1..400, no dates"
