from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from darlr.data.parsing.number_rows import NumberRows
from darlr.data.readers.yahoo_rows import YahooRows, read_yahoo_rows
from darlr.errors import InputError

Rows = list[tuple[int, int, int]]


def study(first_id: int) -> tuple[Rows, Rows]:
    """Six users who each rated some of the first 20 songs; the first three were also given 10 of the next 20."""
    random = np.random.default_rng(0)
    train = [(user, song, int(random.integers(1, 6))) for user in range(6) for song in range(8 + 2 * user)]
    test = [(user, 20 + song, int(random.integers(1, 6))) for user in range(3) for song in range(10)]
    return tuple([(user + first_id, song + first_id, rating) for user, song, rating in rows] for rows in (train, test))  # type: ignore[return-value]


def write(path: Path, rows: Rows, separator: str = "\t", ending: str = "\n") -> Path:
    path.write_bytes("".join(separator.join(map(str, row)) + ending for row in rows).encode())
    return path


def read(folder: Path, train: Rows, test: Rows) -> YahooRows:
    return read_yahoo_rows(write(folder / "train.txt", train), write(folder / "test.txt", test))


def plain(rows: NumberRows) -> Rows:
    return [tuple(row) for row in rows.values.tolist()]


@pytest.mark.parametrize(("separator", "ending"), [("\t", "\n"), ("\t", "\r\n"), (",", "\n"), (" ", "\r\n")])
@pytest.mark.parametrize("first_id", [0, 1])
def test_reads_both_variants(tmp_path: Path, first_id: int, separator: str, ending: str) -> None:
    train, test = study(first_id)
    paths = [write(tmp_path / name, rows, separator, ending) for name, rows in (("a.txt", train), ("b.txt", test))]
    found = read_yahoo_rows(paths[0], paths[1])
    assert (plain(found.train), plain(found.test), found.first_id) == (train, test, first_id)


def replaced(row: int, new: tuple[int, int, int]) -> Callable[[Rows], Rows]:
    return lambda rows: [*rows[:row], new, *rows[row + 1 :]]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "train",
            replaced(2, (1, 1001, 5)),
            "{train}: line 3, column 2 (song) holds '1001'; expected a whole number in 1..1000 (ids count from 1)",
        ),
        (
            "train",
            replaced(2, (1, 0, 5)),
            "{train}: line 3, column 2 (song) holds '0'; expected a whole number in 1..1000 (ids count from 1)",
        ),
        (
            "train",
            replaced(2, (15401, 3, 5)),
            "{train}: line 3, column 1 (user) holds '15401'; expected a whole number in 1..15400 (ids count from 1)",
        ),
        (
            "train",
            replaced(2, (1, 3, 6)),
            "{train}: line 3, column 3 (rating) holds '6'; expected a whole number in 1..5",
        ),
        (
            "test",
            replaced(4, (1, 25, 0)),
            "{test}: line 5, column 3 (rating) holds '0'; expected a whole number in 1..5",
        ),
        ("train", replaced(2, (1, 1, 5)), "{train}: line 3 repeats user 1, song 1 of line 1; expected each once"),
        (
            "test",
            replaced(4, (1, 2, 5)),
            "{test}: line 5 has user 1, song 2, as has line 2 of {train}; expected no pair to be in both",
        ),
        (
            "test",
            lambda rows: rows[:-1],
            "{test}: user 3 has 9 rows; expected 10 randomly drawn songs for every user (is the file whole?)",
        ),
        (
            "train",
            lambda rows: rows[:18],
            "{train}: no row of user 3, who stands in {test}; expected some of every such user (is the file whole?)",
        ),
        (
            "train",
            lambda rows: rows[8:],
            "{train}: the smallest user id is 2; expected 1, or 0 where ids count from 0",
        ),
    ],
)
def test_refuses_what_is_not_the_study(tmp_path: Path, name: str, change: Callable[[Rows], Rows], message: str) -> None:
    rows = dict(zip(("train", "test"), study(1), strict=True))
    rows[name] = change(rows[name])
    with pytest.raises(InputError) as error:
        read(tmp_path, rows["train"], rows["test"])
    assert str(error.value) == message.format(train=tmp_path / "train.txt", test=tmp_path / "test.txt")


def test_refuses_ids_that_count_from_0_in_one_file_and_from_1_in_the_other(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"test.txt: user ids count from 1, those of .*train.txt from 0; expected both alike"):
        read(tmp_path, study(0)[0], study(1)[1])


def test_ids_that_count_from_0_end_one_earlier(tmp_path: Path) -> None:
    train, test = study(0)
    with pytest.raises(InputError, match=r"holds '1000'; expected a whole number in 0..999 \(ids count from 0\)"):
        read(tmp_path, [*train, (5, 1000, 3)], test)


def test_refuses_swapped_files(tmp_path: Path) -> None:
    train, test = study(1)
    with pytest.raises(InputError, match=r"train.txt: every user has 10 rows, and in .*test.txt not; .* seem to be swapped"):
        read(tmp_path, test, train)
