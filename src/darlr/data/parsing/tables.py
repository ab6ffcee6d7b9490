"""Tables from CSV, from Parquet or from Python; errors name the place, the column and the expected values."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.ids import INVISIBLE, PLAIN_INTEGER
from darlr.data.parsing.coding import Coded
from darlr.data.parsing.content import Content, InMemory, InParquet
from darlr.data.parsing.csv_tables import InCsv, line_of, read_csv
from darlr.data.parsing.files import require_file
from darlr.data.parsing.headers import meant, separator_of
from darlr.data.parsing.missing import spelled_missing, written_by_programs
from darlr.data.parsing.parquet import is_parquet, place_of, read_parquet
from darlr.data.parsing.times import EXPECTED_TIME, seconds_of
from darlr.data.parsing.types import is_cell
from darlr.data.tallies import first_repeat
from darlr.errors import InputError

AN_ID = "an integer or text without spaces around it"


@dataclass(frozen=True)
class Table:
    """A table: text columns from CSV, typed ones from Parquet and from a frame in memory.

    Attributes:
        source: the file, or the name of a frame given in Python.
        content: its columns; blank cells are null, wholly blank lines are left out.
        records: (n,) position of every row in the source, 0 for the first below the header; None: row n has position n.
    """

    source: Path | str
    content: Content
    records: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return self.content.rows

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(self.content.schema)

    @property
    def frame(self) -> pl.DataFrame:
        """The whole table in memory; a log may be too long for that."""
        return self.content.frame

    def place(self, row: int) -> str:
        """Name the place of a row: 'line 7' (from 1, header included) in CSV, 'row 6' (from 1) in Parquet, 'row 5 (from 0)'
        in a frame.
        """
        record = row if self.records is None else int(self.records[row])
        if isinstance(self.source, str):
            return f"row {record} (from 0)"  # as Python counts
        return place_of(self.source, record) if is_parquet(self.source) else f"line {line_of(self.source, record)}"

    def refuse(self, row: int, column: str, expected: str) -> InputError:
        """Return the error for a cell that cannot be used."""
        cell = self.cell(column, row)
        found = "is blank" if cell is None or (isinstance(cell, str) and cell == "") else f"holds '{cell}'"
        return InputError(f"{self.source}: {self.place(row)}, column '{column}' {found}; expected {expected}")

    def refuse_type(self, column: str, expected: str) -> InputError:
        """Return the error for a column of a type that cannot be used, with its first cell that is not blank."""
        filled = ((start, piece.is_not_null()) for start, piece in self._pieces(column))
        row = next((start + (found.arg_max() or 0) for start, found in filled if found.any()), 0)
        cell = self.cell(column, row)
        shown = cell.to_list() if isinstance(cell, pl.Series) else cell
        kind = self.content.schema[column]
        return InputError(
            f"{self.source}: {self.place(row)}, column '{column}' holds '{shown}' of type {kind}; expected {expected}"
        )

    def cell(self, column: str, row: int) -> Any:
        """Return the cell of a row; None if it is blank."""
        for start, piece in self._pieces(column):
            if row < start + len(piece):
                return piece[row - start]
        raise IndexError(f"{self.source} has no row {row}")

    def numbers(self, column: str, low: float = -np.inf, high: float = np.inf) -> NDArray[np.float64]:
        """Return (n,) the column as finite numbers in low..high.

        Raises:
            InputError: naming the first other cell.
        """
        numbers = np.empty(len(self))
        self._read_numbers(column, low, high, numbers)
        return numbers

    def single_numbers(self, column: str, low: float, high: float) -> NDArray[np.float32]:
        """Return (n,) `numbers` in single precision, after the comparison with the limits."""
        numbers = np.empty(len(self), np.float32)
        self._read_numbers(column, low, high, numbers)
        return numbers

    def _read_numbers(self, column: str, low: float, high: float, into: NDArray[np.floating]) -> None:
        self._require_cells(column)
        for start, piece in self._pieces(column):
            values = piece.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
            usable = np.isfinite(values) & (values >= low) & (values <= high)
            if not usable.all():
                expected = "a number" if np.isinf(low) and np.isinf(high) else f"a number in {low:g}..{high:g}"
                raise self.refuse(start + int(np.argmin(usable)), column, expected)
            into[start : start + len(piece)] = values

    def times(self, column: str) -> NDArray[np.float64]:
        """Return (n,) the column as seconds since 1970 if it holds dates (`seconds_of`), or as the numbers that it holds.

        Raises:
            InputError: naming the first cell that is not a date among dates, or not a number among numbers.
        """
        self._require_cells(column)
        times, missing = self._converted(column, lambda cells: cells.cast(pl.Float64, strict=False))
        if missing and self.content.schema[column] == pl.String:
            dates, no_dates = self._converted(column, seconds_of)
            times = dates if no_dates < missing else times
        usable = np.isfinite(times)
        if not usable.all():
            raise self.refuse(int(np.argmin(usable)), column, EXPECTED_TIME)
        return times

    def _converted(self, column: str, convert: Callable[[pl.Series], pl.Series]) -> tuple[NDArray[np.float64], int]:
        """Return (n,) the converted column, NaN where `convert` returns null, and the number of these cells."""
        values, missing = np.empty(len(self)), 0
        for start, piece in self._pieces(column):
            converted = convert(piece)
            values[start : start + len(piece)] = converted.fill_null(np.nan).to_numpy()
            missing += converted.null_count()
        return values, missing

    def ids(self, column: str) -> pl.Series:
        """Return (n,) the column as the text of raw ids.

        Raises:
            InputError: as `coded_ids`.
        """
        coded = self.coded_ids(column)
        return coded.values.gather(coded.codes).rename(column)

    def coded_ids(self, column: str) -> Coded:
        """Return the column as coded texts of raw ids.

        An id has no surrounding spaces or invisible marks, and is not a missing value that a program wrote out ("nan",
        "NULL"). If all other ids are integers, no other spelling of a missing value is accepted, either.

        Raises:
            InputError: naming the first cell that is not a valid id.
        """
        self._require_cells(column)
        kind = self.content.schema[column]
        if not (kind == pl.String or kind.is_integer()):
            raise self.refuse_type(column, "integers or text")
        found = self.coded(column)
        coded = Coded(found.values.cast(pl.String), found.codes)
        if kind.is_integer():
            self._refuse_ids(coded, column, np.zeros(len(coded.values), bool), AN_ID)
            return coded
        distinct = coded.values
        around = distinct.str.contains(rf"^[\s{INVISIBLE}]|[\s{INVISIBLE}]$") | (distinct == "")
        self._refuse_ids(coded, column, around.to_numpy(), AN_ID)
        word = spelled_missing(distinct)
        others = distinct.filter(~word)
        integers = len(others) > 0 and bool(others.str.contains(PLAIN_INTEGER).all())
        certain = word if integers else word & written_by_programs(distinct)
        self._refuse_ids(coded, column, certain.to_numpy(), "an id; leave out rows without one")
        return coded

    def _refuse_ids(self, coded: Coded, column: str, wrong: NDArray[np.bool_], expected: str) -> None:
        """Raise the error for the first cell that is blank or holds a `wrong` (d,) value, if there is any."""
        if wrong.any() or coded.codes.min() < 0:
            raise self.refuse(coded.first(wrong), column, expected)

    def coded(self, column: str) -> Coded:
        """Return the column as codes of its distinct values.

        Raises:
            InputError: as `cells`.
        """
        self._require_cells(column)
        pieces = (piece for _, piece in self._pieces(column))
        return Coded.of(self.content.schema[column], len(self), pieces)

    def _pieces(self, column: str) -> Iterator[tuple[int, pl.Series]]:
        """Yield the first row of each piece of the column, and the piece.

        Raises:
            InputError: if a file has other rows than before.
        """
        start, rows = 0, len(self)
        for piece in self.content.pieces([column]):
            if start + len(piece) > rows:
                break
            yield start, piece.to_series()
            start += len(piece)
        if start != rows:
            raise InputError(f"{self.source}: changed while it was read; try again when it is complete")

    def _require_cells(self, column: str, expected: str = "numbers or text") -> None:
        if not is_cell(self.content.schema[column]):
            raise self.refuse_type(column, expected)

    def cells(self, column: str, expected: str = "numbers or text") -> pl.Series:
        """Return (n,) a column of numbers, text or truth values.

        Raises:
            InputError: naming the first cell of another type.
        """
        self._require_cells(column, expected)
        return self.frame[column]

    def text(self, column: str) -> pl.Series:
        """Return (n,) the column as text, null where blank."""
        return self.cells(column).cast(pl.String)

    def repeat(self, *columns: str) -> tuple[int, int] | None:
        """Return the first row with the same values in one or two `columns` as an earlier one, and that earlier row; else None.

        Raises:
            InputError: as `cells`.
        """
        codes = [self.coded(name).codes + 1 for name in columns]  # blank cells are alike
        return first_repeat(codes[0], codes[1] if len(codes) > 1 else np.zeros_like(codes[0]))

    def require_distinct(self, *columns: str, otherwise: str = "") -> None:
        """Raise `InputError` naming both lines if values of `columns` occur twice; `otherwise` ends its message."""
        self.refuse_repeat(self.repeat(*columns), columns, otherwise)

    def refuse_repeat(self, repeat: tuple[int, int] | None, columns: Sequence[str], otherwise: str = "") -> None:
        """Raise the error for a row with the same values in `columns` as an earlier one, if there is such a `repeat`."""
        if repeat is not None:
            row, earlier = repeat
            what = ", ".join(f"{name} {self.cell(name, row)}" for name in columns)
            raise InputError(
                f"{self.source}: {self.place(row)} repeats {what} of {self.place(earlier)}; expected each once{otherwise}"
            )


def read_table(path: Path, required: Sequence[str], in_pieces: bool = False) -> Table:
    """Read a table with at least one row and the `required` columns (it may have more).

    CSV is comma-separated UTF-8 with a header line, LF or CRLF. Parquet's columns are read by their types (`plain_types`),
    and the table may be a folder of parts.

    Args:
        path: the file or folder.
        required: names of columns.
        in_pieces: whether columns of long files are read on request, piece by piece, as for a long log.

    Raises:
        InputError: if the file is missing, empty, malformed or neither `.csv` nor `.parquet`, or lacks a column.
    """
    content: Content
    if is_parquet(path):
        content = InParquet.open(path) if in_pieces else InMemory(read_parquet(path))
    elif require_file(path).suffix.lower() == ".csv":
        content = (InCsv.open(path) if in_pieces else None) or InMemory(read_csv(path))
    else:
        raise InputError(f"{path}: cannot tell its format; expected a file named .csv or .parquet")
    return _checked(path, content, required)


def table_of(source: Path | str, frame: pl.DataFrame, required: Sequence[str]) -> Table:
    """Return the rows of `frame` that are not wholly blank.

    Raises:
        InputError: if there is none, or a `required` column is missing.
    """
    return _checked(source, InMemory(frame), required)


def _checked(source: Path | str, content: Content, required: Sequence[str]) -> Table:
    names = list(content.schema)
    missing = [name for name in required if name not in names]
    if missing:
        guess = meant(missing[0], [name for name in names if name not in required])
        separator = separator_of(names)
        hint = "" if guess is None else f"; did you mean '{guess}'?"
        if separator is not None:
            hint = f"; cells seem to be separated by {separator!r}, expected ','"
        raise InputError(f"{source}: column '{missing[0]}' is missing; expected it beside {', '.join(names)}{hint}")
    if content.rows and any(_without_blanks(content, name) for name in (required or names)[:1]):
        return Table(source, content)
    frame = content.frame
    filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    if not filled.any():
        header = "" if isinstance(source, str) else " below its header"
        raise InputError(f"{source}: the table has no rows; expected at least one{header}")
    return Table(source, InMemory(frame.filter(filled)), np.flatnonzero(filled.to_numpy()))


def _without_blanks(content: Content, name: str) -> bool:
    return not any(piece.to_series().null_count() for piece in content.pieces([name]))
