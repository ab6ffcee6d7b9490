"""Conversion of data frames of pandas, polars and pyarrow to polars frames.

pandas is read column by column, so that neither pandas nor pyarrow has to be installed for the other.
"""

import hashlib
from typing import Any

import numpy as np
import polars as pl

from darlr.data.parsing.types import plain_types
from darlr.errors import InputError

EXPECTED = "a pandas, polars or pyarrow table"


def frame_of(given: Any, name: str) -> pl.DataFrame:
    """Convert `given`; blank cells become null (None, NaN, NaT and pandas' NA), and a pandas index is ignored.

    Any object with Arrow's stream interface (`__arrow_c_stream__`) is accepted, too.

    Args:
        given: the frame.
        name: the frame's name in messages.

    Raises:
        InputError: for any other object, a column name that is not text or occurs twice, and a column of mixed or unknown
            types.
    """
    if isinstance(given, pl.DataFrame):
        frame = given
    elif type(given).__module__.partition(".")[0] == "pandas" and hasattr(given, "columns"):
        frame = _from_pandas(given, name)
    elif hasattr(given, "__arrow_c_stream__"):
        frame = _from_arrow(given, name)
    else:
        raise InputError(f"{name} is a {type(given).__name__}; expected {EXPECTED}")
    return plain_types(frame)


def hash_frame(frame: pl.DataFrame) -> str:
    """Return the SHA-256 (64 hexadecimal digits) of the names, values and order of columns and rows.

    Integers and decimal numbers are hashed as 64 bits and all else as text. So neither the library that a frame came from
    nor the width of its numbers matters.
    """
    digest = hashlib.sha256(f"{frame.height}".encode())
    for column in frame.iter_columns():
        digest.update(f"\0{column.name}\0".encode())
        digest.update(column.is_null().to_numpy().tobytes())
        if column.dtype.is_integer() and column.dtype != pl.UInt64:
            digest.update(b"i" + column.cast(pl.Int64).fill_null(0).to_numpy().astype("<i8").tobytes())
        elif column.dtype.is_float():
            digest.update(b"f" + column.cast(pl.Float64).fill_null(0).to_numpy().astype("<f8").tobytes())
        else:
            nested = column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object)  # such columns may exist unused
            plain = pl.Series([repr(cell) for cell in column.to_list()], dtype=pl.String) if nested else column
            texts = plain.cast(pl.String).fill_null("")
            digest.update(b"t" + texts.str.len_bytes().to_numpy().astype("<u8").tobytes())
            digest.update("".join(texts.to_list()).encode())
    return digest.hexdigest()


def _from_arrow(given: Any, name: str) -> pl.DataFrame:
    try:
        return pl.DataFrame(given)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise InputError(f"{name}: not a table that polars can read ({_first_line(error)}); expected {EXPECTED}") from error


def _from_pandas(given: Any, name: str) -> pl.DataFrame:
    labels = list(given.columns)
    for label in labels:
        if not isinstance(label, str):
            raise InputError(f"{name}: a column is called {label!r}; expected names that are text")
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise InputError(f"{name}: column '{twice}' stands twice; expected each once")
    return pl.DataFrame([_from_pandas_column(given[label], label, name) for label in labels])


def _from_pandas_column(column: Any, label: str, name: str) -> pl.Series:
    if getattr(column.dtype, "tz", None) is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biufM":
        return pl.Series(label, column.to_numpy())
    # Extension types (nullable numbers, text, categories, pyarrow's) and Python objects.
    objects, blank = column.to_numpy(dtype=object), column.isna().to_numpy()
    cells = [None if empty else cell for cell, empty in zip(objects.tolist(), blank.tolist(), strict=True)]
    try:
        return pl.Series(label, cells, strict=True)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as error:
        kinds = ", ".join(sorted({type(cell).__name__ for cell in cells if cell is not None}))
        raise InputError(f"{name}: column '{label}' holds values of type {kinds}; expected numbers or text") from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
