"""From columns of a table to side features."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.config.constraints import SINGLE
from darlr.data.catalog import Features
from darlr.data.parsing.missing import is_missing
from darlr.data.parsing.tables import Table

Kind = Literal["numeric", "coded"]

# Numbers as people and spreadsheets write them: with currencies, percent signs, and separators of thousands.
_ALMOST_NUMBER = (
    r"^[+-]?([$€£¥₹]|[A-Z]{3} )?\s*[+-]?([0-9]{1,3}([,.'’_  ][0-9]{3})+|[0-9]+)([.,][0-9]+)?\s*([$€£¥₹%]| ?[A-Z]{3})?$"
    r"|^[+-]?(inf|infinity)$"
)


@dataclass(frozen=True)
class Reading:
    """A column of features, as it is read.

    Attributes:
        cells: (n,) Float64 if the kind is numeric, null if missing; else text, null if blank.
        kind: numeric or coded.
        declared: whether the user declared the kind.
    """

    cells: pl.Series
    kind: Kind
    declared: bool

    @property
    def name(self) -> str:
        """The column's name."""
        return self.cells.name


def standardise(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return (n,) z-scores of `values` (n,) over the finite ones; 0, the mean, for the others and for a constant column."""
    centre, spread = scale_of(values)
    centred = np.where(np.isfinite(values), values - centre, 0.0)
    return (centred / spread if spread > 0 else np.zeros_like(centred)).astype(np.float32)


def scale_of(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean and standard deviation of the finite values of `values` (n,); both are 0 if there are none."""
    known = values[np.isfinite(values)]
    return (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)


def read_feature(table: Table, name: str, declared: Kind | None = None) -> Reading:
    """Read the column `name` as numbers if most of its cells are numbers, else as texts; or as `declared`.

    A missing cell (`is_missing`) counts neither as a number nor as a text. All other cells of a column of numbers have to
    be numbers.

    Raises:
        InputError: naming the row of a cell that is not a number in a column of numbers.
    """
    cells = table.cells(name, "numbers or text, or the column declared as ignored ('features')")
    if declared == "coded":
        return Reading(_texts(cells), "coded", declared=True)
    if cells.dtype == pl.String:
        missing, texts = is_missing(cells), cells.str.strip_chars()
    else:
        missing, texts = cells.is_null(), cells
    numbers = texts.cast(pl.Float64, strict=False)
    numbers = pl.Series(name, np.where(missing.to_numpy(), np.nan, numbers.fill_null(np.inf).to_numpy())).fill_nan(None)
    filled = len(cells) - numbers.null_count()
    odd = (numbers.abs() > SINGLE).fill_null(False)
    if not odd.any() and (filled or declared):
        return Reading(numbers, "numeric", declared is not None)
    row = int(odd.to_numpy().argmax())
    if declared == "numeric" or _mostly_numbers(
        texts.filter(~missing), numbers.is_infinite().fill_null(False).filter(~missing)
    ):
        expected = (
            "a finite number" if declared else "a finite number as in most rows, or the column declared as coded ('features')"
        )
        if math.isfinite(float(numbers[row])):
            expected = f"a number of at most {SINGLE:g}"
        raise table.refuse(row, name, expected)
    return Reading(_texts(cells), "coded", declared=False)


def _mostly_numbers(texts: pl.Series, odd: pl.Series) -> bool:
    """Return whether more than half of the filled cells, and of the distinct ones, are numbers or were meant to be.

    Distinct cells count, too, because codes like "0" and "[1,5)" may have the one number in many rows.

    Args:
        texts: (n,) cells.
        odd: (n,) whether a cell is not a number.
    """
    found = pl.DataFrame({"text": texts.cast(pl.String), "odd": odd})
    meant = found.with_columns(number=~pl.col("odd") | pl.col("text").str.contains(_ALMOST_NUMBER))
    return all(2 * cells["number"].sum() > len(cells) for cells in (meant, meant.unique("text")))


def _texts(cells: pl.Series) -> pl.Series:
    texts = cells.cast(pl.String)
    return texts.str.strip_chars() if cells.dtype == pl.String else texts


def features_from(frame: pl.DataFrame, coded: Collection[str] = ()) -> Features:
    """Return features of the entities in the rows of `frame`, one for each column.

    Columns of numbers become z-scores over the entities (null: the mean). Texts, and the columns that are `coded`, are
    coded by their distinct texts in ascending order; blank is a value of its own.
    """
    numeric: dict[str, NDArray[np.float32]] = {}
    codes: dict[str, NDArray[np.int32]] = {}
    values, scales = [], []
    for column in frame.iter_columns():
        if column.dtype.is_float() and column.name not in coded:
            numbers = column.fill_null(np.nan).to_numpy()
            numeric[column.name] = standardise(numbers)
            scales.append(scale_of(numbers))
        else:
            texts = column.cast(pl.String).fill_null("")
            codes[column.name] = (texts.rank("dense").to_numpy() - 1).astype(np.int32)
            values.append(tuple(texts.unique().sort().to_list()))
    n = len(frame)
    return Features(
        code_names=tuple(codes),
        codes=np.stack(list(codes.values()), axis=1) if codes else np.zeros((n, 0), np.int32),
        code_sizes=tuple(int(column.max()) + 1 for column in codes.values()),
        numeric_names=tuple(numeric),
        numeric=np.stack(list(numeric.values()), axis=1) if numeric else np.zeros((n, 0), np.float32),
        code_values=tuple(values),
        numeric_scales=tuple(scales),
    )
