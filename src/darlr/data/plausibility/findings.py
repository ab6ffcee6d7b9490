"""What a plausibility check found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

FEW = 3  # examples in a note


@dataclass(frozen=True)
class Findings:
    """Of one thing that was looked at.

    Attributes:
        notes: one line each, of what may be meant but should be known.
        figures: (label, figure) by which `darlr check` shows it.
    """

    notes: tuple[str, ...] = ()
    figures: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, notes: Iterable[str | None], figures: Iterable[tuple[str, str]] = ()) -> "Findings":
        """
        Args:
            notes: None where there is nothing to say.
        """
        return cls(tuple(note for note in notes if note), tuple(figures))

    @classmethod
    def together(cls, parts: Iterable["Findings"]) -> "Findings":
        """All of them, in their order, a note that stands in several once."""
        found = list(parts)
        notes = dict.fromkeys(note for part in found for note in part.notes)
        return cls(tuple(notes), tuple(figure for part in found for figure in part.figures))


def named(source: Path | str) -> str:
    """A table within a line: the file's name, or the frame's."""
    return source.name if isinstance(source, Path) else source


def examples(texts: Sequence[object] | pl.Series, most: int = FEW) -> str:
    """The first of them in quotes, shortened, and dots for the others."""
    shown = [f"'{text if len(text) <= 40 else text[:37] + '...'}'" for text in map(str, texts[:most])]
    return ", ".join(shown) + (", ..." if len(texts) > most else "")


def counted(number: int, what: str) -> str:
    """ "1 row", "2 rows"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
