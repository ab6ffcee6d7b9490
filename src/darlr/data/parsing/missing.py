"""Spellings of a missing value: the one rule for cells of CSV, of Parquet and of frames (docs/data.md)."""

import polars as pl

SPELLINGS = (
    *("nan", "-nan", "+nan", "na", "n/a", "n.a.", "#n/a", "#na", "#n/a n/a", "<na>", "<nan>", "nat"),
    *("null", "(null)", "<null>", "none", "<none>", "nil", "\\n", "undefined", "missing", "unknown", "not available"),
    *("-", "--", "---", "–", "—", "?", "??", ".", "..", "...", "_", "*", "[]", "{}", "()", "''", '""'),
    *("#null!", "#value!", "#ref!", "#div/0!", "#name?", "#num!", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
)
"""Spellings of a missing number or date, in any case and with surrounding spaces."""

OF_PROGRAMS = (
    *("nan", "NaN", "NAN", "-nan", "-NaN", "<NA>", "<NaN>", "NaT", "N/A", "n/a", "#N/A", "#NA", "n.a."),
    *("NULL", "null", "(null)", "<null>", "None", "<None>", "\\N", "undefined"),
    *("#NULL!", "#VALUE!", "#REF!", "#DIV/0!", "#NAME?", "#NUM!"),
)
"""Exact spellings that programs write, and that no user, item or category is named."""


def is_missing(texts: pl.Series) -> pl.Series:
    """Return (n,) whether a text cell of a column of numbers has no value: blank, or one of `SPELLINGS`."""
    return (texts.is_null() | (texts.str.strip_chars() == "") | _spelled(texts, SPELLINGS)).fill_null(True)


def spelled_missing(texts: pl.Series) -> pl.Series:
    """Return (n,) whether a text is one of `SPELLINGS`; a blank text is not."""
    return _spelled(texts, SPELLINGS).fill_null(False)


def written_by_programs(texts: pl.Series) -> pl.Series:
    """Return (n,) whether a text is one of `OF_PROGRAMS`."""
    return texts.is_in(list(OF_PROGRAMS)).fill_null(False)


def _spelled(texts: pl.Series, spellings: tuple[str, ...]) -> pl.Series:
    return texts.str.strip_chars().str.to_lowercase().is_in(list(spellings))
