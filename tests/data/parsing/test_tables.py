import bz2
import gzip
import lzma
import zlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from darlr.data.parsing.tables import read_table
from darlr.errors import InputError

SPREADSHEET = "is an archive or a spreadsheet; expected plain text, so unpack it or save it as CSV first"
NO_A = "column 'a' is missing; expected it beside"


def write(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_reads_numbers_ids_and_text(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path, ending.join(["\ufeffid,x,word", "3,1e-1,a", "", "007,-2,", ""]))
    table = read_table(path, ("id", "x"))
    assert table.ids("id").to_list() == ["3", "007"]
    assert table.numbers("x").tolist() == [0.1, -2.0]
    assert table.text("word").to_list() == ["a", None]
    assert [table.place(row) for row in range(2)] == ["line 2", "line 4"]


def test_line_numbers_pass_over_quoted_line_breaks(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, '\nid,x\n"a\nb",1\nc,bad\n'), ("id", "x"))
    with pytest.raises(InputError, match=r"t.csv: line 5, column 'x' holds 'bad'; expected a number$"):
        table.numbers("x")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("a,x\n", "the table has no rows; expected at least one below its header"),
        ("a,x\n\n\n", "the table has no rows; expected at least one below its header"),
        ("a,b\n1,2\n", "column 'x' is missing; expected it beside a, b"),
        ("a,a\n1,2\n", "line 1 names a column twice; expected each once"),
        ("a,x\n1,2\n3,4,5\n", "line 3 has 3 cells; expected 2 like its header"),
        ("a,x\n1,2\n3\n", "line 3 has 1 cells; expected 2 like its header"),
        ("a,x,b\n1,2,3\n3,4\n5,6,7\n", "line 3 has 2 cells; expected 3 like its header"),
        ('a,x\n1,"2"\n3\n', "line 3 has 1 cells; expected 2 like its header"),
        (b"a,x\n1,2\n3,\xe9\n", "line 3 is not UTF-8 text"),
        (gzip.compress(b"a,x\n1,2\n", mtime=0), "is compressed; expected plain text, so unpack it first"),
        (zlib.compress(b"a,x\n1,2\n"), "is compressed; expected plain text, so unpack it first"),
        (b"\x28\xb5\x2f\xfda,x\n1,2\n", "is compressed; expected plain text, so unpack it first"),
        (bz2.compress(b"a,x\n1,2\n"), "is compressed; expected plain text, so unpack it first"),
        (lzma.compress(b"a,x\n1,2\n"), "is compressed; expected plain text, so unpack it first"),
        (
            b"PK\x03\x04\x14\x00\x06\x00",
            SPREADSHEET,
        ),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            SPREADSHEET,
        ),
        ("a,x\n1,2\n".encode("utf-16"), "is UTF-16 text; expected UTF-8, so save it as UTF-8 first"),
        (b"a;x\n1;2\n", f"{NO_A} a;x; cells seem to be separated by ';', expected ','"),
        (b"a\tx\n1\t2\n", f"{NO_A} a\\tx; cells seem to be separated by '\\t', expected ','"),
        (
            b"|a|x|\n|-|-|\n|1|2|\n",
            f"{NO_A} |a|x|; cells seem to be separated by '|', expected ','",
        ),
        (b"a,\xe9\n1,2\n", "line 1 is not UTF-8 text"),
        ('a,x\n1,"2" 3\n4,5\n', "line 2 is not CSV (',' expected after '\"')"),
        ('a,x\n1,"2\n3,4\n', "line 3 is not CSV (unexpected end of data)"),
    ],
)
def test_refuses_a_malformed_table(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(InputError) as error:
        read_table(path, ("a", "x"))
    assert str(error.value) == f"{path}: {message}"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("four", "line 3, column 'x' holds 'four'; expected a number in 0..5"),
        ("", "line 3, column 'x' is blank; expected a number in 0..5"),
        ("nan", "line 3, column 'x' holds 'nan'; expected a number in 0..5"),
        ("inf", "line 3, column 'x' holds 'inf'; expected a number in 0..5"),
        ("5.1", "line 3, column 'x' holds '5.1'; expected a number in 0..5"),
        ("-1", "line 3, column 'x' holds '-1'; expected a number in 0..5"),
    ],
)
def test_refuses_a_cell_that_is_no_number_in_range(tmp_path: Path, cell: str, message: str) -> None:
    path = write(tmp_path, f"a,x\n1,2\n3,{cell}\n")
    with pytest.raises(InputError) as error:
        read_table(path, ("x",)).numbers("x", 0, 5)
    assert str(error.value) == f"{path}: {message}"


@pytest.mark.parametrize("cell", ["", " 3", '""'])
def test_refuses_a_cell_that_is_no_id(tmp_path: Path, cell: str) -> None:
    table = read_table(write(tmp_path, f"a,x\n1,2\n{cell},4\n"), ("a",))
    with pytest.raises(InputError, match=r"line 3, column 'a' .*; expected an integer or text without spaces around it"):
        table.ids("a")


def test_names_both_lines_of_a_repeat(tmp_path: Path) -> None:
    path = write(tmp_path, "a,x\n1,2\n3,4\n1,3\n1,2\n")
    table = read_table(path, ("a", "x"))
    with pytest.raises(InputError) as error:
        table.require_distinct("a", "x", otherwise=", or else")
    assert str(error.value) == f"{path}: line 5 repeats a 1, x 2 of line 2; expected each once, or else"
    assert table.repeat("x") == (3, 0)


def test_reads_parquet(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    moment = pl.Series(["2020-07-05T00:00:00", "2020-07-05T00:00:01.5"]).str.to_datetime()
    pl.DataFrame({"id": [2, 1], "x": [True, False], "at": moment}).write_parquet(path)
    table = read_table(path, ("id",))
    assert table.ids("id").to_list() == ["2", "1"]
    assert table.numbers("x").tolist() == [1.0, 0.0]
    assert np.diff(table.numbers("at")).tolist() == [1.5]
    with pytest.raises(InputError, match=r"t.parquet: row 1, column 'id' holds '2'; expected a number in 0..1"):
        table.numbers("id", 0, 1)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pl.Series([1.0]), "row 1, column 'id' holds '1.0' of type Float64; expected integers or text"),
        (pl.Series([None, [1]]), "row 2, column 'id' holds '[1]' of type List(Int64); expected numbers or text"),
    ],
)
def test_refuses_parquet_columns_of_other_types(tmp_path: Path, column: pl.Series, message: str) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"id": column}).write_parquet(path)
    with pytest.raises(InputError) as error:
        read_table(path, ("id",)).ids("id")
    assert str(error.value) == f"{path}: {message}"


def test_refuses_other_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no.csv: no such file$"):
        read_table(tmp_path / "no.csv", ())
    with pytest.raises(InputError, match=r"t.tsv: cannot tell its format; expected a file named .csv or .parquet$"):
        read_table(write(tmp_path, "a\n1\n", "t.tsv"), ())
    with pytest.raises(InputError, match=r"t.parquet: not a readable Parquet file$"):
        read_table(write(tmp_path, "PAR1 and no more", "t.parquet"), ())
