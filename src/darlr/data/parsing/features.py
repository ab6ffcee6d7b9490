"""Columns of a table -> side features."""

from collections.abc import Collection

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.catalog import Features


def standardise(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """(n,) z-scores over the entities that have a finite value; 0, the mean, for the others and for a constant column."""
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(len(values), np.float32)
    spread = float(values[known].std())
    centred = np.where(known, values - values[known].mean(), 0.0)
    return (centred / spread if spread > 0 else np.zeros_like(centred)).astype(np.float32)


def features_from(frame: pl.DataFrame, coded: Collection[str] = ()) -> Features:
    """Features of the entities in the rows of `frame`, one per column.

    A column whose filled cells are all finite numbers is numeric and z-scored over the entities (blank: the mean). Any other is
    coded by its distinct texts in ascending order; blank is a value of its own.

    Args:
        coded: columns that are coded even where all cells are numbers.
    """
    numeric: dict[str, NDArray[np.float32]] = {}
    codes: dict[str, NDArray[np.int32]] = {}
    for column in frame.iter_columns():
        texts = column.cast(pl.String).fill_null("")
        numbers = column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
        filled = (texts != "").to_numpy()
        if column.name not in coded and filled.any() and np.isfinite(numbers[filled]).all():
            numeric[column.name] = standardise(numbers)
        else:
            codes[column.name] = (texts.rank("dense").to_numpy() - 1).astype(np.int32)
    n = len(frame)
    return Features(
        code_names=tuple(codes),
        codes=np.stack(list(codes.values()), axis=1) if codes else np.zeros((n, 0), np.int32),
        code_sizes=tuple(int(column.max()) + 1 for column in codes.values()),
        numeric_names=tuple(numeric),
        numeric=np.stack(list(numeric.values()), axis=1) if numeric else np.zeros((n, 0), np.float32),
    )
