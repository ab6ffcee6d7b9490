"""Counting cells in blocks of bytes gives the same result as counting record by record."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darlr.data.parsing import cells
from darlr.data.parsing.cells import all_lines_have, records

MOSTLY_TWO = ["a,b", "1,2", ",", "é,", "", "x,y,z", "x", '"a,b"', '"a\nb",c', '"a"b,c']


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.integers(0, 40), min_size=1, max_size=8),
    end=st.sampled_from(["\n", "\r\n"]),
    block=st.integers(1, 30),
    closed=st.booleans(),
)
def test_as_record_by_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[int], end: str, block: int, closed: bool
) -> None:
    monkeypatch.setattr(cells, "BLOCK", block)
    text = end.join(MOSTLY_TWO[line] if line < len(MOSTLY_TWO) else "a,b" for line in lines) + end * closed
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    try:
        expected = {len(found) for found in csv.reader(io.StringIO(text, newline=""), strict=True)} <= {0, 2}
    except csv.Error:
        expected = False
    assert all_lines_have(path, 2) == expected


def test_other_encodings_have_no_cells_once_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b'a,"\xe9"\n')
    assert not all_lines_have(path, 2)


def test_records_begin_on_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('\ufeffa,b\n\n"1\n2",3\n4,5\n', encoding="utf-8")
    assert list(records(path)) == [(1, ["a", "b"]), (3, ["1\n2", "3"]), (5, ["4", "5"])]
