"""Notes on columns that are not read, or may not be read as they were meant."""

from collections.abc import Collection, Sequence

import polars as pl

from darlr.data.parsing.categories import SEPARATOR
from darlr.data.parsing.headers import meant, numbers_rows
from darlr.data.parsing.tables import Table
from darlr.data.plausibility.findings import Findings, examples, named

CATEGORIES = "categories"


def unread(table: Table, known: Sequence[str]) -> Findings:
    """Return notes on the columns of a table besides its `known` ones, none of which is read."""
    others = _others(table, known)
    guesses = _guesses(table, known, others)
    rest = [name for name in others if name not in guesses.values()]
    notes = [_question(table, guess, name, "is not read") for name, guess in guesses.items()]
    if rest:
        notes.append(f"{named(table.source)}: {_columns(rest)} {examples(rest, most=10)} {_are(rest)} not read")
    return Findings.of(notes)


def read_as_features(table: Table, known: Sequence[str], ignored: Collection[str]) -> tuple[tuple[str, ...], Findings]:
    """Return the columns of a table that are features, and notes on those that may be something else."""
    others = [name for name in _others(table, known) if name not in ignored]
    index = [name for name in others if numbers_rows(table.frame[name])]
    features = tuple(name for name in others if name not in index)
    guesses = _guesses(table, known, features)
    notes = [_question(table, guess, name, "is read as a feature") for name, guess in guesses.items()]
    if index:
        what = "only numbers the rows and is no feature" if len(index) == 1 else "only number the rows and are no features"
        notes.append(f"{named(table.source)}: {_columns(index)} {examples(index)} {what}")
    return features, Findings.of(notes)


def _others(table: Table, known: Sequence[str]) -> list[str]:
    return [name for name in table.columns if name not in known]


def _guesses(table: Table, known: Sequence[str], others: Sequence[str]) -> dict[str, str]:
    """Return, for each of the `known` columns that the table lacks, the column among the `others` that may have been meant."""
    lacking = [name for name in known if name not in table.columns]
    guesses = {name: guess for name in lacking if (guess := meant(name, others)) is not None}
    if CATEGORIES in lacking and CATEGORIES not in guesses and (joined := _joined(table, others)):
        guesses[CATEGORIES] = joined[0]
    return guesses


def _joined(table: Table, others: Sequence[str]) -> list[str]:
    """Return the columns whose names are joined like those of categories."""
    texts = [name for name in others if table.frame[name].dtype == pl.String]
    return [name for name in texts if table.frame[name].str.contains(SEPARATOR, literal=True).any()]


def _question(table: Table, guess: str, name: str, how: str) -> str:
    return f"{named(table.source)}: column '{guess}' {how}; did you mean '{name}'?"


def _columns(names: Sequence[str]) -> str:
    return "column" if len(names) == 1 else "columns"


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
