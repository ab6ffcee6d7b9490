"""The findings of plausibility checks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

FEW = 3  # largest number of examples in a note


@dataclass(frozen=True)
class Findings:
    """The findings about one subject.

    Attributes:
        notes: one line each, about unlikely but possible readings.
        figures: (label, figure) pairs that `darlr check` prints.
    """

    notes: tuple[str, ...] = ()
    figures: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, notes: Iterable[str | None], figures: Iterable[tuple[str, str]] = ()) -> "Findings":
        """
        Args:
            notes: lines; None is skipped.
            figures: (label, figure) pairs.
        """
        return cls(tuple(note for note in notes if note), tuple(figures))

    @classmethod
    def together(cls, parts: Iterable["Findings"]) -> "Findings":
        """Join findings in their order; a note that occurs in several is kept once."""
        found = list(parts)
        notes = dict.fromkeys(note for part in found for note in part.notes)
        return cls(tuple(notes), tuple(figure for part in found for figure in part.figures))


def named(source: Path | str) -> str:
    """Return the name of a table within a line: the file's name, or the frame's."""
    return source.name if isinstance(source, Path) else source


def examples(texts: Sequence[object] | pl.Series, most: int = FEW) -> str:
    """Return the first texts in quotes, shortened, followed by dots if there are others."""
    shown = [f"'{text if len(text) <= 40 else text[:37] + '...'}'" for text in map(str, texts[:most])]
    return ", ".join(shown) + (", ..." if len(texts) > most else "")


def counted(number: int, what: str) -> str:
    """Return "1 row" or "2 rows"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
