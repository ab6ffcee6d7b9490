"""A check whether the names in a column of categories can be categories."""

import polars as pl

from darlr.data.parsing.categories import EXPECTED, Names
from darlr.data.parsing.tables import Table
from darlr.data.plausibility.findings import Findings, counted, examples, named
from darlr.data.plausibility.spellings import several_spellings

REFUSED = (",", ";", "\t")
TOLD = ("/", ">", "+", "\\", "::", "&&", " - ", "、", "，", "·", "•", "؛", "،")
UNKNOWN = ("unknown", "(unknown)", "other", "others", "misc", "miscellaneous", "missing", "undefined", "empty", "blank", "null")


def plausible_categories(table: Table, names: Names) -> Findings:
    """Return notes on the `names` of a table.

    Raises:
        InputError: if no cell has the separator, but names recur between the commas, semicolons or tabs of different cells.
    """
    place = f"{named(table.source)}: column 'categories'"
    notes: list[str | None] = []
    if names.none_rows:
        notes.append(f"{place}: {counted(names.none_rows, 'cell')} with {examples(names.none)}, read as no category")
    distinct = names.frame["name"].unique(maintain_order=True)
    if distinct.is_empty():
        return Findings.of([*notes, None if names.none_rows else f"{place} is blank throughout"])
    joined = names.frame["row"].is_duplicated().any()
    for separator in REFUSED if not joined else ():
        if (cell := _recurring(distinct, separator)) is not None:
            row = names.frame["row"][int((names.frame["name"] == cell).to_numpy().argmax())]
            raise table.refuse(row, "categories", f"{EXPECTED}, not by '{separator.replace(chr(9), 'tab')}'")
    notes += [_other_separator(place, distinct, separator, joined) for separator in (*REFUSED, *TOLD)]
    unknown = distinct.filter(distinct.str.to_lowercase().is_in(list(UNKNOWN)))
    if len(unknown):
        notes.append(f"{place}: {examples(unknown)} is a category like any other; leave cells blank where there is none")
    return Findings.of([*notes, several_spellings(place, distinct, "name", "a category")])


def _recurring(distinct: pl.Series, separator: str) -> str | None:
    """Return the first name with the separator, if a part between separators occurs in several names, so that these are
    lists.
    """
    having = distinct.filter(distinct.str.contains(separator, literal=True))
    if having.is_empty():
        return None
    parts = pl.DataFrame({"name": distinct, "part": distinct.str.split(separator)}).explode("part")
    parts = parts.with_columns(pl.col("part").str.strip_chars()).filter(pl.col("part") != "").unique()
    return str(having[0]) if parts["part"].is_duplicated().any() else None


def _other_separator(place: str, distinct: pl.Series, separator: str, joined: bool) -> str | None:
    having = distinct.filter(distinct.str.contains(separator, literal=True))
    certain = separator in REFUSED
    if having.is_empty() or (not certain and (joined or _recurring(distinct, separator) is None)):
        return None
    names = counted(len(having), "name")
    return f"{place}: {names} with '{separator}', as {examples(having, most=1)}; each is read as one category"
