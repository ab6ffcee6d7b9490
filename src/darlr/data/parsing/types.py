"""Columns of Parquet files and of frames by type: what each is read as, alike under every version of polars."""

import polars as pl

SECOND = 1_000_000  # microseconds
INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)


def plain_types(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with columns of numbers, text, truth values or types that hold no cell (`is_cell`), NaN as null.

    Dates and date-times become seconds since 1970 (UTC where no zone is given), durations and times of day seconds, decimals
    numbers (whole ones integers), categoricals and enums their text; a column that is null throughout is blank text.
    """
    return frame.with_columns(_plain(column) for column in frame.iter_columns())


def is_cell(dtype: pl.DataType) -> bool:
    """Whether a column of this type, after `plain_types`, has a number, a text or a truth value in a cell."""
    return dtype in (pl.String, pl.Boolean) or dtype.is_numeric()


def follows_from_type(dtype: pl.DataType) -> bool:
    """Whether `plain_types` gives every column of this type the same one; wide integers become what holds their cells."""
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
    """Wide integers as 64 bits, as text where these cannot hold them."""
    narrow = column.cast(pl.Int64, strict=False)
    return narrow if narrow.null_count() == column.null_count() else column.cast(pl.String)
