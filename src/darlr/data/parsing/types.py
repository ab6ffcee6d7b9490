"""Types of columns of Parquet files and of frames: how each is read, the same under every version of polars."""

import polars as pl

SECOND = 1_000_000  # microseconds
INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)


def plain_types(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with columns of numbers, text or truth values, NaN as null; other types are kept (`is_cell`).

    Dates and date-times become seconds since 1970 (UTC if no zone is given). Durations and times of day become seconds, and
    decimals numbers (whole ones integers). Categoricals and enums become their text. A column of nulls alone is blank text.
    """
    return frame.with_columns(_plain(column) for column in frame.iter_columns())


def is_cell(dtype: pl.DataType) -> bool:
    """Return whether a cell of this type, after `plain_types`, is a number, a text or a truth value."""
    return dtype in (pl.String, pl.Boolean) or dtype.is_numeric()


def follows_from_type(dtype: pl.DataType) -> bool:
    """Return whether `plain_types` gives every column of this type the same one; for wide integers this depends on the
    cells.
    """
    wide = dtype.is_integer() and dtype not in INTEGERS
    return not wide and not (dtype == pl.Decimal and getattr(dtype, "scale", None) == 0)


def _plain(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if dtype in (pl.Categorical, pl.Enum, pl.Null):
        return column.cast(pl.String)
    if dtype.is_temporal():
        return _seconds(column)
    if dtype == pl.Decimal:
        return _whole(column) if getattr(dtype, "scale", None) == 0 else column.cast(pl.Float64)
    if dtype.is_integer() and dtype not in INTEGERS:
        return _whole(column)
    return column.fill_nan(None) if dtype.is_float() else column


def _seconds(column: pl.Series) -> pl.Series:
    if column.dtype in (pl.Duration, pl.Time):
        return column.cast(pl.Duration("us")).dt.total_microseconds() / SECOND
    return column.cast(pl.Datetime("us")).dt.epoch("us") / SECOND


def _whole(column: pl.Series) -> pl.Series:
    """Return wide integers as 64 bits, or as text if these cannot hold them."""
    narrow = column.cast(pl.Int64, strict=False)
    return narrow if narrow.null_count() == column.null_count() else column.cast(pl.String)
