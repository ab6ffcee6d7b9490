"""Lines of whole numbers without a header, as in rating files; errors name the file, the line and the column."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.parsing.files import require_file
from darlr.errors import InputError
from darlr.reading import read_text

SPACES_OR_COMMAS = r"(?:\s*,\s*|\s+)"
DOUBLE_COLONS = r"::"


@dataclass(frozen=True)
class NumberRows:
    """n lines of C whole numbers; row r is line r + 1.

    Attributes:
        path: the file.
        columns: C names.
        values: (n, C) int64.
    """

    path: Path
    columns: tuple[str, ...]
    values: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.values)

    def column(self, name: str) -> NDArray[np.int64]:
        """Return (n,) the values of a column."""
        return self.values[:, self.columns.index(name)]

    def refuse(self, row: int, column: str, expected: str) -> InputError:
        """Return the error for a cell that cannot be used."""
        place = self.columns.index(column)
        return refuse_cell(self.path, row, place, column, str(self.values[row, place]), expected)

    def require_between(self, column: str, low: int, high: int, reason: str = "") -> None:
        """Raise `InputError` naming the first cell of a column outside low..high; `reason` ends its message."""
        values = self.column(column)
        outside = (values < low) | (values > high)
        if outside.any():
            raise self.refuse(int(np.argmax(outside)), column, f"a whole number in {low}..{high}{reason}")

    def keys(self, *columns: str) -> pl.Series:
        """Return (n,) the values of some columns combined, for comparison row by row."""
        return pl.DataFrame({name: self.column(name) for name in columns}).select(pl.struct(columns)).to_series()

    def require_distinct(self, *columns: str) -> None:
        """Raise `InputError` naming both lines if two rows have the same values in `columns`."""
        keys = self.keys(*columns)
        first = keys.is_first_distinct()
        if not first.all():
            row = int(np.argmin(first.to_numpy()))
            earlier = int(np.argmax((self._of(columns) == self._of(columns)[row]).all(axis=1)))
            raise InputError(
                f"{self.path}: line {row + 1} repeats {self.name(row, *columns)} of line {earlier + 1}; expected each once"
            )

    def require_disjoint(self, other: "NumberRows", *columns: str) -> None:
        """Raise `InputError` if a line of this file and one of another have the same values in `columns`."""
        own, others = (pl.DataFrame({name: rows.column(name) for name in columns}) for rows in (self, other))
        marked = own.with_row_index("row").join(others, on=list(columns), how="semi")
        if len(marked):
            row = int(marked["row"].min())  # type: ignore[arg-type]
            match = int(np.argmax((other._of(columns) == self._of(columns)[row]).all(axis=1)))
            raise InputError(
                f"{self.path}: line {row + 1} has {self.name(row, *columns)}, as has line {match + 1} of {other.path}; "
                "expected no pair to be in both"
            )

    def name(self, row: int, *columns: str) -> str:
        """Return a row's values in words, for example 'user 3, song 7'."""
        return ", ".join(f"{name} {self.column(name)[row]}" for name in columns)

    def _of(self, columns: tuple[str, ...]) -> NDArray[np.int64]:
        return self.values[:, [self.columns.index(name) for name in columns]]


def read_number_rows(path: Path, columns: tuple[str, ...], separator: str) -> NumberRows:
    """Read the whole numbers (0 or more, up to 18 digits) of every line, LF or CRLF; blank lines at the end are ignored.

    Args:
        path: the file, UTF-8.
        columns: names of the numbers on a line; every line has exactly these.
        separator: a regular expression for the text between two numbers.

    Raises:
        InputError: if the file cannot be read or has no line; or naming the first wrong line, and its column if one is at
            fault.
    """
    lines = read_text(require_file(path)).rstrip().split("\n")
    if lines == [""]:
        raise InputError(f"{path}: no rows; expected lines of {len(columns)} numbers ({', '.join(columns)})")
    pattern = r"^\s*" + separator.join([r"([0-9]{1,18})"] * len(columns)) + r"\s*$"
    cells = pl.Series("line", lines).str.extract_groups(pattern).struct.unnest()
    unread = cells.to_series(0).is_null()
    if unread.any():
        row = int(np.argmax(unread.to_numpy()))
        raise _unread(lines[row], row, path, columns, separator)
    return NumberRows(path, columns, cells.cast(pl.Int64).to_numpy())


def _unread(line: str, row: int, path: Path, columns: tuple[str, ...], separator: str) -> InputError:
    """Return the error for a line that does not hold the expected numbers."""
    cells = re.split(separator, line.strip()) if line.strip() else []
    if len(cells) != len(columns):
        expected = f"{len(columns)} ({', '.join(columns)})"
        return InputError(f"{path}: line {row + 1} has {len(cells)} columns; expected {expected}")
    place = next((place for place, cell in enumerate(cells) if not re.fullmatch("[0-9]{1,18}", cell)), 0)
    return refuse_cell(path, row, place, columns[place], cells[place], "a whole number")


def refuse_cell(path: Path, row: int, place: int, column: str, found: str, expected: str) -> InputError:
    """Return the error for the cell in row `row` and column `place`, both from 0, of a file without a header."""
    return InputError(f"{path}: line {row + 1}, column {place + 1} ({column}) holds '{found}'; expected {expected}")
