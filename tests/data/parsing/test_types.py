from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from darlr.data.parsing.tables import read_table
from darlr.data.parsing.types import is_cell, plain_types
from darlr.errors import InputError

COLUMNS: list[tuple[pl.Series, list[Any]]] = [
    (pl.Series(["b", None, "a"], dtype=pl.Categorical), ["b", None, "a"]),
    (pl.Series(["5", "4", "2"], dtype=pl.Enum(["2", "4", "5"])), ["5", "4", "2"]),
    (pl.Series([Decimal("1.50"), None, Decimal("-2.25")]), [1.5, None, -2.25]),
    (pl.Series([Decimal(15), None, Decimal(3)]).cast(pl.Decimal(20, 0)), [15, None, 3]),
    (pl.Series([Decimal(10**25), None, Decimal(3)]).cast(pl.Decimal(30, 0)), [str(10**25), None, "3"]),
    (pl.Series([timedelta(seconds=90), None, timedelta(milliseconds=-500)]), [90.0, None, -0.5]),
    (pl.Series([time(1, 0, 0, 250_000), None, time(0)]), [3600.25, None, 0.0]),
    (pl.Series([date(1970, 1, 2), None, date(1969, 12, 31)]), [86400.0, None, -86400.0]),
    (pl.Series([datetime(1970, 1, 1, 0, 0, 1), None, datetime(1970, 1, 1)]).dt.cast_time_unit("ns"), [1.0, None, 0.0]),
    (pl.Series([None, None, None]), [None, None, None]),
    (pl.Series([1.5, float("nan"), None]), [1.5, None, None]),
    (pl.Series([1.5, float("nan"), None], dtype=pl.Float32), [1.5, None, None]),
    (pl.Series([1, None, 2**62], dtype=pl.Int128), [1, None, 2**62]),
    (pl.Series([1, None, 2**64 - 1], dtype=pl.UInt64), [1, None, 2**64 - 1]),
    (pl.Series([True, None, False]), [True, None, False]),
]


@pytest.mark.parametrize(("column", "read"), COLUMNS, ids=[str(column.dtype) for column, _ in COLUMNS])
def test_every_type_is_read_as_numbers_or_text(column: pl.Series, read: list[Any]) -> None:
    found = plain_types(pl.DataFrame({"x": column}))["x"]
    assert found.to_list() == read
    assert is_cell(found.dtype)


OTHERS = [
    pl.Series([None, [1, 2]]),
    pl.Series([None, {"a": 1}]),
    pl.Series([None, b"5"]),
    pl.Series([None, [1.5]], dtype=pl.Array(pl.Float64, 1)),
]


@pytest.mark.parametrize("column", OTHERS, ids=lambda column: str(column.dtype))
def test_a_type_without_cells_is_refused_where_it_is_read(tmp_path: Path, column: pl.Series) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"id": [1, 2], "x": column}).write_parquet(path)
    table = read_table(path, ("id",))
    assert table.ids("id").to_list() == ["1", "2"]  # what is not read may be of any type
    for read in (table.numbers, table.times, table.ids, table.text):
        with pytest.raises(InputError) as refused:
            read("x")
        assert str(refused.value).startswith(f"{path}: row 2, column 'x' holds '")
        assert str(refused.value).endswith("; expected numbers or text")


def test_categorical_numbers_are_their_texts(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    frame = pl.DataFrame({"id": ["b", "a"], "reward": ["5", "4"], "timestamp": ["30", "20"]})
    frame.with_columns(pl.all().cast(pl.Categorical)).write_parquet(path)
    table = read_table(path, ("id",))
    assert (table.ids("id").to_list(), table.numbers("reward").tolist(), table.times("timestamp").tolist()) == (
        ["b", "a"],
        [5.0, 4.0],
        [30.0, 20.0],
    )


def test_two_blank_ids_are_refused_as_blank(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"id": [None, None, 3], "x": [1, 1, 2]}).write_parquet(path)
    table = read_table(path, ("id",))
    with pytest.raises(InputError, match=r"row 1, column 'id' is blank; expected an integer or text"):
        table.ids("id")
    assert table.repeat("id", "x") == (1, 0)
