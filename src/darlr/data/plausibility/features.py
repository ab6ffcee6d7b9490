"""A check whether columns of features were read as they were meant, and the figures that show it."""

import re
from collections.abc import Mapping

import polars as pl

from darlr.data.parsing.features import Reading
from darlr.data.parsing.missing import spelled_missing
from darlr.data.parsing.tables import Table
from darlr.data.plausibility.findings import Findings, examples, named
from darlr.data.plausibility.spellings import several_spellings

COMMONEST = 3
CODES_FOR_MISSING = frozenset({-1.0, *(sign * (10.0**n - 1) for n in range(2, 8) for sign in (-1, 1)), -1e30, 1e30})
OTHERS = 3  # least number of other distinct numbers at which a likely code for "not known" is reported
ONE_EACH = 10  # least number of codes at which a column with a code for every row is reported
_CODE = re.compile(
    r"(^|_|\b)(id|ids|code|codes|zip|zipcode|postcode|postal_code|type|class|category|cluster|group|sku|isbn|ean)$", re.I
)


def plausible_features(table: Table, readings: Mapping[str, Reading]) -> Findings:
    """Return notes and figures of every column of features."""
    return Findings.together(_column(table, reading) for reading in readings.values())


def _column(table: Table, reading: Reading) -> Findings:
    place = f"{named(table.source)}: column '{reading.name}'"
    raw = table.frame[reading.name]
    filled = reading.cells.drop_nulls()
    if reading.kind == "coded":
        filled = filled.filter(filled != "")
    missing = f"{1 - len(filled) / len(reading.cells):.0%} missing"
    label = f"{named(table.source)}: feature '{reading.name}'"
    if filled.is_empty():
        return Findings((f"{place} is blank throughout",), ((label, f"{reading.kind}, {missing}"),))
    if reading.kind == "numeric":
        values = filled.to_numpy()
        figure = f"numeric, {values.min():g}..{values.max():g}, {missing}"
        code = None if reading.declared else _code_like(place, raw, reading)
        notes = [_spelled_out(place, raw), code, _stands_for_missing(place, filled)]
    else:
        counts = filled.value_counts(sort=True)
        commonest = ", ".join(f"{value} {count:,}" for value, count in counts.head(COMMONEST).iter_rows())
        figure = f"coded, {len(counts):,} values, {missing}; commonest: {commonest}"
        alike = several_spellings(place, counts[reading.name], "value", "a code")
        notes = [_word_codes(place, filled), alike, _one_each(place, len(counts), len(filled), reading)]
    if filled.n_unique() == 1 and len(filled) == len(reading.cells) > 1:
        notes.append(f"{place} is the same in every row, so it says nothing")
    return Findings.of(notes, [(label, figure)])


def _spelled_out(place: str, raw: pl.Series) -> str | None:
    words = (
        raw.filter(spelled_missing(raw)).unique(maintain_order=True) if raw.dtype == pl.String else pl.Series(dtype=pl.String)
    )
    return None if words.is_empty() else f"{place} is read as numbers, and {examples(words)} as missing"


def _code_like(place: str, raw: pl.Series, reading: Reading) -> str | None:
    declared = "; if they are codes, declare it as coded ('features')"
    if raw.dtype == pl.String:
        zeros = raw.filter(raw.str.contains(r"^\s*0[0-9]").fill_null(False))
        if len(zeros):
            return f"{place} is read as numbers, though {examples(zeros.unique(maintain_order=True))} begin with 0{declared}"
    whole = reading.cells.drop_nulls()
    if _CODE.search(reading.name) and raw.dtype != pl.Boolean and (whole == whole.round()).all():
        return f"{place} is read as quantities, though its name is that of codes{declared}"
    return None


def _stands_for_missing(place: str, filled: pl.Series) -> str | None:
    """Return a note if the smallest or the largest number is a usual code for "not known" and lies far from all others."""
    counts = filled.value_counts().sort(filled.name)
    values, often = counts[filled.name].to_list(), counts["count"].to_list()
    if len(values) < 1 + OTHERS:
        return None
    for code, number, others in ((values[0], often[0], values[1:]), (values[-1], often[-1], values[:-1])):
        low, high = others[0], others[-1]
        far = (code < 0 <= low and code == -1) or max(low - code, code - high) > high - low
        if code in CODES_FOR_MISSING and number > 1 and far:
            return (
                f"{place}: {code:g} stands in {number:,} rows, far from the others ({low:g}..{high:g}); leave cells blank "
                "where there is none"
            )
    return None


def _word_codes(place: str, filled: pl.Series) -> str | None:
    words = filled.filter(spelled_missing(filled)).unique(maintain_order=True)
    return (
        None
        if words.is_empty()
        else f"{place}: {examples(words)} is a value like any other; leave cells blank where there is none"
    )


def _one_each(place: str, codes: int, cells: int, reading: Reading) -> str | None:
    if codes < ONE_EACH or 10 * codes < 9 * cells:
        return None
    return (
        f"{place} has {codes:,} codes in {cells:,} rows, so that it tells rows apart as ids do; declare it as ignored "
        "('features') if it is a title or the like"
    )
