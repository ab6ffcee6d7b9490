from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darlr.data.parsing.number_rows import DOUBLE_COLONS, SPACES_OR_COMMAS, NumberRows, read_number_rows
from darlr.errors import InputError

COLUMNS = ("user", "song", "rating")


def read(folder: Path, text: str | bytes, name: str = "rows.txt", separator: str = SPACES_OR_COMMAS) -> NumberRows:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_number_rows(path, COLUMNS, separator)


@pytest.mark.parametrize(
    "text", ["1\t20\t3\n4\t5\t6\n", "1,20,3\r\n4,5,6\r\n", "  1 20  3 \n4 , 5,6", "\ufeff1 20 3\n4 5 6\n\n \n"]
)
def test_reads_any_separator_and_ending(tmp_path: Path, text: str) -> None:
    rows = read(tmp_path, text)
    assert rows.values.tolist() == [[1, 20, 3], [4, 5, 6]]
    assert rows.column("song").tolist() == [20, 5]


@given(st.lists(st.tuples(*[st.integers(0, 10**18 - 1)] * 3), min_size=1))
def test_numbers_come_back_whatever_stands_between_them(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int]]
) -> None:
    text = "\n".join("::".join(map(str, row)) for row in rows)
    found = read(tmp_path_factory.mktemp("rows"), text, separator=DOUBLE_COLONS)
    assert found.values.tolist() == [list(row) for row in rows]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "no rows; expected lines of 3 numbers (user, song, rating)"),
        (b"1 2 3\n4 5\n", "line 2 has 2 columns; expected 3 (user, song, rating)"),
        (b"1 2 3\n4 5 6 7\n", "line 2 has 4 columns; expected 3 (user, song, rating)"),
        (b"1 2 3\n\n4 5 6\n", "line 2 has 0 columns; expected 3 (user, song, rating)"),
        (b"1,2,3\n4,5,\n", "line 2, column 3 (rating) holds ''; expected a whole number"),
        (b"1::2::3\n", "line 1 has 1 columns; expected 3 (user, song, rating)"),
        (b"user,song,rating\n1,2,3\n", "line 1, column 1 (user) holds 'user'; expected a whole number"),
        (b"1 2 3\n4 -5 6\n", "line 2, column 2 (song) holds '-5'; expected a whole number"),
        (b"1 2 3.5\n", "line 1, column 3 (rating) holds '3.5'; expected a whole number"),
        (b"1 2 3\n1 9999999999999999999 3\n", "line 2, column 2 (song) holds '9999999999999999999'; expected a whole number"),
        (b"1 2 3\n4 \xff 6\n", "line 2 is not UTF-8 text"),
    ],
)
def test_refuses_other_lines(tmp_path: Path, text: bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    assert str(error.value) == f"{tmp_path / 'rows.txt'}: {message}"


def test_names_the_first_cell_out_of_range(tmp_path: Path) -> None:
    rows = read(tmp_path, "1 2 5\n1 3 6\n1 4 0\n")
    rows.require_between("rating", 0, 6)
    with pytest.raises(InputError) as error:
        rows.require_between("rating", 1, 5, " (stars)")
    assert str(error.value) == f"{rows.path}: line 2, column 3 (rating) holds '6'; expected a whole number in 1..5 (stars)"


def test_names_both_lines_of_a_repeated_pair(tmp_path: Path) -> None:
    rows = read(tmp_path, "1 2 5\n2 1 5\n1 2 4\n")
    rows.require_distinct("user", "song", "rating")
    with pytest.raises(InputError) as error:
        rows.require_distinct("user", "song")
    assert str(error.value) == f"{rows.path}: line 3 repeats user 1, song 2 of line 1; expected each once"


def test_names_the_lines_that_two_files_share(tmp_path: Path) -> None:
    train, test = read(tmp_path, "1 1 5\n2 3 4\n3 2 1\n", "train"), read(tmp_path, "3 3 5\n2 3 1\n", "test")
    test.require_disjoint(train, "user", "song", "rating")
    with pytest.raises(InputError) as error:
        test.require_disjoint(train, "user", "song")
    assert str(error.value) == (
        f"{test.path}: line 2 has user 2, song 3, as has line 2 of {train.path}; expected no pair to be in both"
    )
