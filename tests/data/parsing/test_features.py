from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darlr.data.parsing.features import features_from, read_feature, standardise
from darlr.data.parsing.missing import SPELLINGS
from darlr.data.parsing.tables import read_table, table_of
from darlr.errors import InputError


def test_numeric_columns_are_z_scored_with_blanks_at_the_mean() -> None:
    assert standardise(np.array([1.0, 3.0, np.nan])).tolist() == [-1.0, 1.0, 0.0]
    assert standardise(np.array([2.0, 2.0])).tolist() == [0.0, 0.0]
    assert standardise(np.array([np.nan])).tolist() == [0.0]


def test_numbers_are_numeric_and_texts_coded() -> None:
    features = features_from(pl.DataFrame({"n": [1.0, None, 3.0], "w": ["1", "x", None], "b": ["", None, ""]}))
    assert features.numeric_names == ("n",)
    assert features.numeric[:, 0].tolist() == pytest.approx([-1.0, 0.0, 1.0])
    assert (features.code_names, features.code_sizes) == (("w", "b"), (3, 1))
    assert features.codes.tolist() == [[1, 0], [2, 0], [0, 0]]


def column(cells: list[object]) -> pl.Series:
    return read_feature(table_of("items", pl.DataFrame({"id": range(len(cells)), "x": pl.Series(cells)}), ("id",)), "x").cells


@pytest.mark.parametrize("cell", [*SPELLINGS, " NaN ", "NULL", "None", "\\N", "N/A", "Nil", "", "  ", None])
def test_a_missing_cell_leaves_a_column_numeric(cell: str | None) -> None:
    assert column(["1.5", cell, " 3.5"]).to_list() == [1.5, None, 3.5]


@pytest.mark.parametrize(
    "cell",
    ["1,234", "$1.50", "1.5 €", "12%", "inf", "-inf", "1,5", "1 234", "abc", "1.5x", "0x10", "USD 3", "2020-01-01", "1_0"],
)
def test_an_odd_cell_in_a_column_of_numbers_is_refused(tmp_path: Path, cell: str) -> None:
    (tmp_path / "items.csv").write_text(f'item_id,price\n1,1.5\n2,3\n3,"{cell}"\n4,2\n')
    table = read_table(tmp_path / "items.csv", ("item_id",))
    with pytest.raises(InputError) as refused:
        read_feature(table, "price")
    assert str(refused.value) == (
        f"{tmp_path}/items.csv: line 4, column 'price' holds '{cell}'; "
        "expected a finite number as in most rows, or the column declared as coded ('features')"
    )
    reading = read_feature(table, "price", "coded")
    assert (reading.kind, reading.cells.to_list()) == ("coded", ["1.5", "3", cell, "2"])


@pytest.mark.parametrize("cells", [["1e308", "-1e308", "0"], [1e39, 2.0, 3.0]])
def test_a_number_beyond_single_precision_is_refused(cells: list[object]) -> None:
    with pytest.raises(
        InputError, match=r"items: row 0 \(from 0\), column 'x' holds .*; expected a number of at most 3\.4e\+38"
    ):
        column(cells)


@pytest.mark.parametrize(
    "cells",
    [["$1.50", "$2", "$3.75"], ["1,234", "2,345"], ["1,5", "2,75"], ["10%", "20%"], ["1.5", "€2"], ["EUR 3", "EUR 4.5"]],
)
def test_numbers_as_spreadsheets_write_them_are_refused(cells: list[str]) -> None:
    with pytest.raises(InputError, match=r"items: row \d \(from 0\), column 'x' holds .*; expected a finite number"):
        column([*cells])


@pytest.mark.parametrize(
    "cells",
    [
        ["a", "b", "3"],
        ["S", "M", "38"],
        ["3XL", "2XL"],
        ["2020-01-01", "2021-01-01"],
        ["12-34", "A1"],
        ["0", "0", "0", "[1,5)", "5+"],
        ["0", "0", "x"],
    ],
)
def test_words_are_codes(cells: list[str]) -> None:
    assert column([*cells]).to_list() == cells


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (pl.Series([1.5, float("nan"), 3.5]).fill_nan(None), [1.5, None, 3.5]),
        (pl.Series([1, None, 3], dtype=pl.Int8), [1, None, 3]),
        (pl.Series([True, None, False]), [1, None, 0]),
    ],
)
def test_typed_columns_keep_their_numbers(cells: pl.Series, read: list[float | None]) -> None:
    assert column(cells.to_list()).to_list() == read


@given(numbers=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6), gaps=st.lists(st.sampled_from(SPELLINGS), max_size=5))
def test_gaps_do_not_change_what_numbers_are(numbers: list[float], gaps: list[str]) -> None:
    assert column([*gaps, *map(repr, numbers)]).to_list() == [*[None] * len(gaps), *numbers]
