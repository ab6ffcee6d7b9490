"""The two rating files of Yahoo! R3, validated together."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darlr.data.parsing.number_rows import SPACES_OR_COMMAS, NumberRows, read_number_rows
from darlr.errors import InputError

USERS, SONGS = 15_400, 1_000
DRAWN = 10
"""The number of songs drawn at random for every user of the test file."""

COLUMNS = ("user", "song", "rating")


@dataclass(frozen=True)
class YahooRows:
    """Self-selected ratings (`train`) and ratings of randomly drawn songs (`test`); columns user, song, rating.

    Attributes:
        first_id: the first id in both files, 1 (as published) or 0 (AutoDebias).
    """

    train: NumberRows
    test: NumberRows
    first_id: int


def read_yahoo_rows(train: Path, test: Path) -> YahooRows:
    """Read both files: numbers separated by spaces, tabs or commas.

    The first user occurs in both files, so the smallest user id shows whether ids begin at 0 or 1.

    Raises:
        InputError: naming the file and the line. Ids have to begin alike in both files and stay in their range, ratings are
            1..5, and no pair occurs twice. Users of the test file have 10 songs each, and rows in the train file.
    """
    chosen = read_number_rows(train, COLUMNS, SPACES_OR_COMMAS)
    drawn = read_number_rows(test, COLUMNS, SPACES_OR_COMMAS)
    if _drawn_alike(chosen) and not _drawn_alike(drawn):
        raise InputError(
            f"{chosen.path}: every user has {DRAWN} rows, and in {drawn.path} not; expected it the other way round "
            "(the two files seem to be swapped)"
        )
    first_id = _first_id(chosen)
    if _first_id(drawn) != first_id:
        raise InputError(
            f"{drawn.path}: user ids count from {_first_id(drawn)}, those of {chosen.path} from {first_id}; expected both alike"
        )
    counted = f" (ids count from {first_id})"
    for rows in (chosen, drawn):
        rows.require_between("user", first_id, first_id + USERS - 1, counted)
        rows.require_between("song", first_id, first_id + SONGS - 1, counted)
        rows.require_between("rating", 1, 5)
        rows.require_distinct("user", "song")
    drawn.require_disjoint(chosen, "user", "song")
    _require_whole(chosen, drawn)
    return YahooRows(chosen, drawn, first_id)


def _first_id(rows: NumberRows) -> int:
    first = int(rows.column("user").min())
    if first not in (0, 1):
        raise InputError(f"{rows.path}: the smallest user id is {first}; expected 1, or 0 where ids count from 0")
    return first


def _drawn_alike(rows: NumberRows) -> bool:
    return bool((_rows_of_users(rows)[1] == DRAWN).all())


def _rows_of_users(rows: NumberRows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct users, ascending, and the number of rows of each."""
    users, counts = np.unique(rows.column("user"), return_counts=True)
    return users, counts.astype(np.int64)


def _require_whole(chosen: NumberRows, drawn: NumberRows) -> None:
    """Check that no file was cut short at the end of a line, by the numbers that the study drew."""
    users, counts = _rows_of_users(drawn)
    if (counts != DRAWN).any():
        at = int(np.argmax(counts != DRAWN))
        raise InputError(
            f"{drawn.path}: user {users[at]} has {counts[at]} rows; expected {DRAWN} randomly drawn songs for every user "
            "(is the file whole?)"
        )
    absent = np.setdiff1d(users, chosen.column("user"))
    if len(absent):
        raise InputError(
            f"{chosen.path}: no row of user {absent[0]}, who stands in {drawn.path}; expected some of every such user "
            "(is the file whole?)"
        )
