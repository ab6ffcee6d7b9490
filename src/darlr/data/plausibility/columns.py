"""Columns that are not read, or not as they may have been meant."""

from collections.abc import Collection, Sequence

from darlr.data.parsing.headers import meant, numbers_rows
from darlr.data.parsing.tables import Table
from darlr.data.plausibility.findings import Findings, counted, examples, named


def unread(table: Table, known: Sequence[str]) -> Findings:
    """Notes on the columns of a table beside its `known` ones, none of which is read."""
    return Findings.of(
        [*_guesses(table, known, _others(table, known), "is not read"), _passed_over(table, _others(table, known))]
    )


def read_as_features(table: Table, known: Sequence[str], ignored: Collection[str]) -> tuple[tuple[str, ...], Findings]:
    """The columns of a table that are features, and notes on those that may be others."""
    others = [name for name in _others(table, known) if name not in ignored]
    index = [name for name in others if numbers_rows(table.frame[name])]
    features = tuple(name for name in others if name not in index)
    notes = _guesses(table, known, features, "is read as a feature")
    if index:
        shown = examples(index)
        notes.append(
            f"{named(table.source)}: {_columns(index)} {shown} only number{_s(index)} the rows and {_is(index)} no feature"
        )
    return features, Findings.of(notes)


def _others(table: Table, known: Sequence[str]) -> list[str]:
    return [name for name in table.frame.columns if name not in known]


def _guesses(table: Table, known: Sequence[str], others: Sequence[str], how: str) -> list[str | None]:
    """A question for each column that may have been meant for one of the `known` that the table lacks."""
    lacking = [name for name in known if name not in table.frame.columns]
    found = [(name, guess) for name in lacking if (guess := meant(name, others)) is not None]
    return [f"{named(table.source)}: column '{guess}' {how}; did you mean '{name}'?" for name, guess in found]


def _passed_over(table: Table, others: Sequence[str]) -> str | None:
    if not others:
        return None
    shown = examples(others, most=10)
    return f"{named(table.source)}: {_columns(others)} {shown} {_is(others)} not read ({counted(len(others), 'column')})"


def _columns(names: Sequence[str]) -> str:
    return "column" if len(names) == 1 else "columns"


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _s(names: Sequence[str]) -> str:
    return "s" if len(names) == 1 else ""
