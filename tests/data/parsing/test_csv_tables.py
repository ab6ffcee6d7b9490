"""A CSV file is the same table whether it is parsed at once or piece by piece."""

from pathlib import Path

import polars as pl
import pytest

from darlr.data.parsing import cells, csv_tables
from darlr.data.parsing.csv_tables import InCsv, read_csv
from darlr.data.parsing.tables import read_table
from darlr.errors import InputError

TEXT = "\ufeffuser,item,reward\n007,a,1.5\n7,é b,\n,c,2\n7,,3.25\n8,d,4\n"


@pytest.fixture(params=[1, 20, 1000], autouse=True)
def small_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "BLOCK", request.param)
    monkeypatch.setattr(csv_tables, "PIECE_BYTES", request.param)
    monkeypatch.setattr(csv_tables, "SMALL", 1)


def write(tmp_path: Path, text: str | bytes) -> Path:
    (tmp_path / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return tmp_path / "t.csv"


@pytest.mark.parametrize("text", [TEXT, TEXT.removesuffix("\n"), TEXT.replace("\n", "\r\n")])
def test_pieces_are_what_is_read_at_once(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    whole, pieces = read_csv(path), InCsv.open(path)
    assert pieces is not None
    assert (pieces.rows, list(pieces.schema)) == (5, ["user", "item", "reward"])
    assert pieces.frame.equals(whole)
    assert pl.concat(pieces.pieces(["reward", "user"])).equals(whole.select("reward", "user"))


@pytest.mark.parametrize("text", ["a,b\n1,2\n\n3,4\n", 'a,b\n1,"2"\n', "\na,b\n1,2\n", "a,b\n1,2\n3\n", "a,b\n1\n"])
def test_files_that_take_more_care_are_read_at_once(tmp_path: Path, text: str) -> None:
    assert InCsv.open(write(tmp_path, text)) is None


def test_cells_at_fault_are_named_alike(tmp_path: Path) -> None:
    path = write(tmp_path, TEXT)
    for in_pieces in (False, True):
        table = read_table(path, ("user", "item"), in_pieces)
        with pytest.raises(InputError, match=r"t.csv: line 4, column 'user' is blank; expected an integer or text"):
            table.ids("user")
        with pytest.raises(InputError, match=r"t.csv: line 3, column 'reward' is blank; expected a number in 0..3"):
            table.numbers("reward", 0, 3)
        with pytest.raises(InputError, match=r"t.csv: line 5, column 'item' is blank; expected an integer or text"):
            table.ids("item")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a,b\n1,2\n3,\xe9\n", "line 3 is not UTF-8 text"),
        (b"a,a\n1,2\n", "line 1 names a column twice; expected each once"),
        (b"a,b\n1,2\n3\n", "line 3 has 1 cells; expected 2 like its header"),
        (b"a,b\n", "the table has no rows; expected at least one below its header"),
        (b"a,b\n,\n,\n", "the table has no rows; expected at least one below its header"),
    ],
)
def test_malformed_files_are_refused(tmp_path: Path, text: bytes, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError) as refused:
        read_table(path, ("a", "b"), in_pieces=True).ids("b")
    assert str(refused.value) == f"{path}: {message}"
