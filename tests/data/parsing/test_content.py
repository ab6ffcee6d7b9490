"""Tables in memory and in Parquet are equal, however they are divided into pieces."""

from pathlib import Path

import polars as pl
import pytest

from darlr.data.parsing import content
from darlr.data.parsing.content import InMemory, InParquet
from darlr.data.parsing.tables import Table, read_table
from darlr.errors import InputError

FRAME = pl.DataFrame(
    {
        "id": [5, 7, 5, -3, 7, 11, 5],
        "name": ["b", "a", None, "b", "c", "a", "b"],
        "at": ["2020-07-05", "2020-07-06", "2020-07-07", "2020-07-08", "2020-07-09", "2020-07-10", "2020-07-11"],
        "x": [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5],
    }
)


@pytest.fixture(params=[1, 2, 3, 100], autouse=True)
def piece_rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "PIECE_ROWS", request.param)


def parts_of(tmp_path: Path, frame: pl.DataFrame = FRAME) -> Path:
    folder = tmp_path / "log"
    folder.mkdir()
    frame[:4].write_parquet(folder / "a.parquet", row_group_size=2)
    frame[4:].write_parquet(folder / "b.parquet")
    return folder


def both(tmp_path: Path, frame: pl.DataFrame = FRAME) -> list[Table]:
    folder = parts_of(tmp_path, frame)
    return [read_table(folder, ("id",), in_pieces) for in_pieces in (False, True)]


def test_pieces_together_are_the_table(tmp_path: Path) -> None:
    folder = parts_of(tmp_path)
    held = InParquet.open(folder)
    assert isinstance(held, InParquet)
    for whole in (held, InMemory(FRAME)):
        assert (whole.rows, list(whole.schema)) == (7, FRAME.columns)
        assert whole.frame.equals(FRAME)
        assert pl.concat(whole.pieces(["x", "id"])).equals(FRAME.select("x", "id"))


def test_columns_are_read_alike(tmp_path: Path) -> None:
    for table in both(tmp_path):
        assert table.ids("id").to_list() == ["5", "7", "5", "-3", "7", "11", "5"]
        assert table.coded_ids("id").values.to_list() == ["5", "7", "-3", "11"]
        assert table.coded_ids("id").codes.tolist() == [0, 1, 0, 2, 1, 3, 0]
        assert table.numbers("x").tolist() == FRAME["x"].to_list()
        assert table.single_numbers("x", 0, 10).dtype == "float32"
        assert table.times("at")[-1] - table.times("at")[0] == 6 * 86_400
        assert (table.repeat("id"), table.repeat("id", "name"), table.repeat("x")) == ((2, 0), (6, 0), None)


def test_cells_at_fault_are_named_alike(tmp_path: Path) -> None:
    for table in both(tmp_path):
        with pytest.raises(InputError, match=r"log: row 2 of b.parquet, column 'x' holds '5.5'; expected a number in 0..5"):
            table.numbers("x", 0, 5)
        with pytest.raises(InputError, match=r"log: row 3 of a.parquet, column 'name' is blank; expected an integer or text"):
            table.ids("name")
        with pytest.raises(InputError, match=r"log: row 1 of a.parquet, column 'x' holds '0.5' of type Float64; expected int"):
            table.ids("x")
        with pytest.raises(InputError, match=r"row 3 of a.parquet repeats id 5 of row 1 of a.parquet; expected each once, or"):
            table.require_distinct("id", otherwise=", or")


def test_dates_are_dates_if_most_of_all_pieces_are(tmp_path: Path) -> None:
    odd = FRAME.with_columns(at=pl.Series(["1", "2", *FRAME["at"][2:]]))
    for table in both(tmp_path, odd):
        with pytest.raises(InputError, match=r"row 1 of a.parquet, column 'at' holds '1'; expected a number, or a date"):
            table.times("at")


def test_blank_rows_are_left_out(tmp_path: Path) -> None:
    blank = pl.concat([FRAME[:2], FRAME.clear(1), FRAME[2:]])
    for table in both(tmp_path, blank):
        assert table.ids("id").to_list() == ["5", "7", "5", "-3", "7", "11", "5"]
        assert table.place(2) == "row 4 of a.parquet"


def test_wide_integers_and_narrow_parts(tmp_path: Path) -> None:
    wide = FRAME.with_columns(id=pl.col("id").cast(pl.Decimal(20, 0)))
    for table in both(tmp_path, wide):
        assert table.ids("id").to_list() == ["5", "7", "5", "-3", "7", "11", "5"]
    FRAME[4:].with_columns(pl.col("id").cast(pl.Int8)).write_parquet(tmp_path / "log" / "b.parquet")
    FRAME[:4].write_parquet(tmp_path / "log" / "a.parquet")
    assert read_table(tmp_path / "log", ("id",), in_pieces=True).content.schema["id"] == pl.Int64


def test_damage_is_told(tmp_path: Path) -> None:
    folder = parts_of(tmp_path)
    bytes_of_part = bytearray((folder / "b.parquet").read_bytes())
    table = read_table(folder, ("id",), in_pieces=True)
    bytes_of_part[4:200] = b"\0" * 196
    (folder / "b.parquet").write_bytes(bytes_of_part)
    with pytest.raises(InputError, match=r"b.parquet: not a readable Parquet file"):
        list(table.content.pieces(FRAME.columns))
    (folder / "b.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"b.parquet: not a readable Parquet file"):
        read_table(folder, ("id",), in_pieces=True)


@pytest.mark.parametrize("rows", [1, 6])
def test_a_file_that_changes_meanwhile_is_told(tmp_path: Path, rows: int) -> None:
    folder = parts_of(tmp_path)
    table = read_table(folder, ("id",), in_pieces=True)
    pl.concat([FRAME, FRAME])[:rows].write_parquet(folder / "b.parquet")
    if rows > 3:
        read_table(folder, ("id",), in_pieces=True).numbers("x")
    else:
        with pytest.raises(InputError, match=r"log: changed while it was read; try again when it is complete"):
            table.numbers("x")
