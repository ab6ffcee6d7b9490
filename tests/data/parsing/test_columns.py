from pathlib import Path

import polars as pl
import pytest

from darlr.data.parsing.columns import Column, line_of, read_columns
from darlr.errors import InputError

COLUMNS = {"id": Column(pl.Int32, low=0), "score": Column(pl.Float64, may_be_blank=True)}


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_reads_what_is_asked_for(tmp_path: Path, end: str) -> None:
    path = write(tmp_path, end.join(["\ufeffid,name,score", '3,"a, b",0.5', "1,x,", "2,y,-1e3", ""]))
    frame = read_columns(path, COLUMNS)
    assert frame.to_dict(as_series=False) == {"id": [3, 1, 2], "score": [0.5, None, -1000.0]}
    assert line_of(path, 2) == 4


def test_blank_lines_are_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, "id,more,score\n3,x,0.5\n\n1,x,\n\r\n2,x,1\n\n\n")
    frame = read_columns(path, COLUMNS)
    assert frame.to_dict(as_series=False) == {"id": [3, 1, 2], "score": [0.5, None, 1.0]}
    assert line_of(path, 2) == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"table.csv: the file is empty$"),
        ("id,score\n", r"the table has no rows; expected at least one below its header$"),
        ("id,id\n1,2\n", r"line 1 names a column twice"),
        ("id,points\n1,2\n", r"column 'score' is missing; expected it beside id, points$"),
        ("id,score\n1,2\n-4,2\n", r"line 3, column 'id' holds '-4'; expected a whole number of at least 0$"),
        ("id,score\n1,2\n1.0,2\n", r"line 3, column 'id' holds '1.0'; expected a whole number"),
        ("id,score\n1,2\n99999999999,2\n", r"line 3, column 'id' holds '99999999999'; expected a whole number"),
        ("id,score\n1,2\n,2\n", r"line 3, column 'id' is blank; expected a whole number"),
        ("id,score\n1,inf\n", r"line 2, column 'score' holds 'inf'; expected a number$"),
        ("id,score\n1,two\n", r"line 2, column 'score' holds 'two'; expected a number$"),
        ("id,score\n1,2\n1,2,3\n4,5\n", r"line 3 has 3 cells; expected 2 like its header$"),
        ("id,score,more\n1,2,3\n4,5\n", r"line 3 has 2 cells; expected 3 like its header$"),
        ("id,score,more\n1,2,3\n4,5,6,7\n8,9,1\n", r"line 3 has 4 cells; expected 3 like its header$"),
        ("id,score,more\n1,2,3\n4,5\n8,9,1\n", r"line 3 has 2 cells; expected 3 like its header$"),
        ('id,score,more\n1,2,"3"\n4,5,"6",7\n', r"line 3 has 4 cells; expected 3 like its header$"),
        ('id,score,more\n1,2,"3\n', r"line 2 is not CSV"),
        ("id,score,more\n1,2,3\n,,3\n", r"line 3, column 'id' is blank; expected a whole number"),
        ("id,score\n1,2\n1_0,2\n", r"line 3, column 'id' holds '1_0'; expected a whole number"),
        ("id,score\n1,2\n1,1_0\n", r"line 3, column 'score' holds '1_0'; expected a number$"),
        ("id,score\n 1,2\n-1,2\n", r"line 3, column 'id' holds '-1'; expected a whole number"),
        (b"id,score\n1,2\n1,\xe9\n", r"line 3 is not UTF-8 text$"),
        (b"id,sc\xe9re\n1,2\n", r"line 1 is not UTF-8 text$"),
    ],
)
def test_refuses(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_columns(write(tmp_path, text), COLUMNS)
