import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darlr.data.parsing.coding import Coded

NUMBERS = [st.integers(-30, 30), st.integers(-(2**63), 2**63 - 1)]


def code(dtype: pl.DataType, *pieces: list[object]) -> Coded:
    return Coded.of(dtype, sum(map(len, pieces)), [pl.Series("x", piece, dtype=dtype) for piece in pieces])


def holds(dtype: pl.DataType, pieces: list[list[object]]) -> None:
    """Check that codes represent the cells, and values the distinct cells in their order."""
    coded, cells = code(dtype, *pieces), [cell for piece in pieces for cell in piece]
    assert coded.values.to_list() == list(dict.fromkeys(cell for cell in cells if cell is not None))
    values = [*coded.values.to_list(), None]
    assert [values[number] for number in coded.codes] == cells
    assert coded.codes.dtype == np.int32


@pytest.mark.parametrize("numbers", NUMBERS)
@given(data=st.data())
def test_whole_numbers(numbers: st.SearchStrategy[int], data: st.DataObject) -> None:
    holds(pl.Int64(), data.draw(st.lists(st.lists(st.none() | numbers, max_size=9), max_size=5)))


@given(st.lists(st.lists(st.none() | st.text(max_size=2), max_size=9), max_size=5))
def test_texts(pieces: list[list[object]]) -> None:
    holds(pl.String(), pieces)


def test_numbers_that_come_to_lie_far_apart_keep_their_codes() -> None:
    holds(pl.Int64(), [[5, 6, None, 5], [-3, 6], [40, 5], [1_000, 5], [-(2**63), 2**63 - 1, 6]])
    holds(pl.UInt64(), [[2**64 - 1, 0], [0, 3]])
    holds(pl.Int8(), [[-128, 127], [0]])


def test_rows_of_chosen_values() -> None:
    coded = code(pl.String(), ["a", "b", "a", "c"], ["b", "c", "c"])
    assert coded.first(np.array([False, False, True])) == 3
    assert coded.rows(np.array([True, False, True])) == 5
    assert code(pl.String(), ["a", None, "b"]).first(np.array([False, True])) == 1


def test_codes_become_positions() -> None:
    coded = code(pl.Int64(), [7, 5, 7], [9])
    assert coded.become(np.array([1, 0, 2])).tolist() == [1, 0, 1, 2]
