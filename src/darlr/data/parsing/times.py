"""Dates and times written as text (ISO 8601, RFC 3339)."""

import polars as pl

EXPECTED_TIME = "a number, or a date and time like 2020-07-05T12:30:00Z"

_DATE = r"^([0-9]{4}-[0-9]{2}-[0-9]{2})"
_CLOCK = r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2}(?:[.,][0-9]+)?))?(?: ?([Zz]|UTC|[+-][0-9]{2}(?::?[0-9]{2})?))?)?$"
_PATTERN = _DATE + _CLOCK
_GROUPS = ("date", "hour", "minute", "second", "zone")


def seconds_of(texts: pl.Series) -> pl.Series:
    """Return (n,) Float64 seconds since 1970, null for a text that is not a date.

    The time of day is optional, and is UTC if no zone is given; zones are "Z", "UTC" or offsets like +02:00.
    """
    parts = pl.DataFrame({name: texts.str.extract(_PATTERN, group) for group, name in enumerate(_GROUPS, start=1)})
    number = {name: pl.col(name).str.replace(",", ".").cast(pl.Float64, strict=False) for name in ("hour", "minute", "second")}
    sign = pl.when(pl.col("zone").str.starts_with("-")).then(-1).otherwise(1)
    digits = pl.col("zone").str.replace_all(r"[^0-9]", "").str.pad_end(4, "0")
    offset = digits.str.slice(0, 2).cast(pl.Int64, strict=False) * 60 + digits.str.slice(2, 2).cast(pl.Int64, strict=False)
    days = pl.col("date").str.to_date("%Y-%m-%d", strict=False).cast(pl.Int32).cast(pl.Int64)
    clock = number["hour"] * 3600 + number["minute"] * 60 + number["second"].fill_null(0.0)
    sound = (
        (number["hour"].fill_null(0) <= 24)
        & (number["minute"].fill_null(0) < 60)
        & (number["second"].fill_null(0) < 61)  # leap seconds
        & (offset.fill_null(0) <= 18 * 60)
    )
    seconds = days * 86_400 + clock.fill_null(0.0) - sign * offset.fill_null(0) * 60
    return parts.select(pl.when(sound).then(seconds.cast(pl.Float64))).to_series()
