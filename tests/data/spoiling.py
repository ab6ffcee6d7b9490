"""Ways to damage files, for tables of bad input."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

Spoil = Callable[[Path], None]
"""Changes the files in a folder."""


def change(file: str, line: int, column: str, cell: str) -> Spoil:
    """Put `cell` into a line (1-based) of a CSV file."""

    def spoil(folder: Path) -> None:
        table = pl.read_csv(folder / file, infer_schema=False)
        table[line - 2, column] = cell
        table.write_csv(folder / file)

    return spoil


def edit(file: str, old: str, new: str) -> Spoil:
    """Replace the first `old` of a file, which must be there, by `new`."""

    def spoil(folder: Path) -> None:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))

    return spoil


def swap(one: str, other: str) -> Spoil:
    """Swap the names of two files."""

    def spoil(folder: Path) -> None:
        (folder / one).rename(folder / "aside")
        (folder / other).rename(folder / one)
        (folder / "aside").rename(folder / other)

    return spoil


def cut(file: str) -> Spoil:
    """End a file in the middle of a line, like an interrupted copy."""

    def spoil(folder: Path) -> None:
        text = (folder / file).read_text()
        (folder / file).write_text(text[: len(text) // 2].rpartition(",")[0])

    return spoil


def halve(file: str) -> Spoil:
    """Keep the first half of a file's lines."""

    def spoil(folder: Path) -> None:
        lines = (folder / file).read_text().splitlines(keepends=True)
        (folder / file).write_text("".join(lines[: len(lines) // 2]))

    return spoil


def lengthen(file: str, line: int) -> Spoil:
    """Add a cell to a line (1-based) of a CSV file."""
    return _reline(file, line, lambda text: text + ",0")


def shorten(file: str, line: int) -> Spoil:
    """Remove the last cell of a line (1-based) of a CSV file."""
    return _reline(file, line, lambda text: text.rpartition(",")[0])


def _reline(file: str, line: int, other: Callable[[str], str]) -> Spoil:
    def spoil(folder: Path) -> None:
        lines = (folder / file).read_text().splitlines()
        lines[line - 1] = other(lines[line - 1])
        (folder / file).write_text("\n".join(lines) + "\n")

    return spoil


def latin(file: str, line: int) -> Spoil:
    """Put a letter in another encoding into a line (1-based) of a file."""

    def spoil(folder: Path) -> None:
        lines = (folder / file).read_bytes().split(b"\n")
        lines[line - 1] = lines[line - 1].replace(b",", b",\xe9", 1)
        (folder / file).write_bytes(b"\n".join(lines))

    return spoil


def empty(file: str) -> Spoil:
    """Empty a file."""

    def spoil(folder: Path) -> None:
        (folder / file).write_bytes(b"")

    return spoil


def lose(file: str) -> Spoil:
    """Delete a file."""
    return lambda folder: (folder / file).unlink()
