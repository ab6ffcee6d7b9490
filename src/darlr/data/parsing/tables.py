"""Tables from CSV, from Parquet or handed over in Python: errors name the place, the column and what was expected."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.ids import INVISIBLE, PLAIN_INTEGER
from darlr.data.parsing.cells import all_lines_have
from darlr.data.parsing.files import require_file, require_plain_text
from darlr.data.parsing.headers import meant, separator_of
from darlr.data.parsing.missing import spelled_missing, written_by_programs
from darlr.data.parsing.parquet import is_parquet, place_of, read_parquet
from darlr.data.parsing.times import EXPECTED_TIME, seconds_of
from darlr.data.parsing.types import is_cell
from darlr.errors import InputError
from darlr.reading import read_text

AN_ID = "an integer or text without spaces around it"


@dataclass(frozen=True)
class Table:
    """A table as it was read: text columns from CSV, typed ones from Parquet and from a frame in memory.

    Attributes:
        source: the file, or the name of a frame that was handed over in Python.
        frame: its columns; blank cells are null, wholly blank lines are left out.
        records: (n,) position of every row in the source, 0 for the first below the header.
    """

    source: Path | str
    frame: pl.DataFrame
    records: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.records)

    def place(self, row: int) -> str:
        """Where a row stands: 'line 7' (from 1, header included) in CSV, 'row 6' (from 1) in Parquet, 'row 5 (from 0)' else."""
        record = int(self.records[row])
        if isinstance(self.source, str):
            return f"row {record} (from 0)"  # as Python counts
        return place_of(self.source, record) if is_parquet(self.source) else f"line {_csv_line(self.source, record)}"

    def refuse(self, row: int, column: str, expected: str) -> InputError:
        """The error for a cell that cannot be used."""
        cell = self.frame[column][row]
        found = "is blank" if cell is None or (isinstance(cell, str) and cell == "") else f"holds '{cell}'"
        return InputError(f"{self.source}: {self.place(row)}, column '{column}' {found}; expected {expected}")

    def refuse_type(self, column: str, expected: str) -> InputError:
        """The error for a column of a type that cannot be used, with its first cell that is not blank."""
        series = self.frame[column]
        row = int(series.is_not_null().to_numpy().argmax())
        cell = series[row]
        shown = cell.to_list() if isinstance(cell, pl.Series) else cell
        return InputError(
            f"{self.source}: {self.place(row)}, column '{column}' holds '{shown}' of type {series.dtype}; expected {expected}"
        )

    def numbers(self, column: str, low: float = -np.inf, high: float = np.inf) -> NDArray[np.float64]:
        """(n,) the column as finite numbers in low..high; raises `InputError` naming the first other cell."""
        values = self.cells(column).cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
        expected = "a number" if np.isinf(low) and np.isinf(high) else f"a number in {low:g}..{high:g}"
        usable = np.isfinite(values) & (values >= low) & (values <= high)
        if not usable.all():
            raise self.refuse(int(np.argmin(usable)), column, expected)
        return values

    def times(self, column: str) -> NDArray[np.float64]:
        """(n,) the column as seconds since 1970 if it is written as dates (`seconds_of`), or as the numbers that it holds.

        Raises `InputError` naming the first cell that is no date among dates, or no number among numbers.
        """
        cells = self.cells(column)
        values = cells.cast(pl.Float64, strict=False)
        if values.null_count() and cells.dtype == pl.String:
            dates = seconds_of(cells)
            values = dates if dates.null_count() < values.null_count() else values
        numbers = values.fill_null(np.nan).to_numpy()
        usable = np.isfinite(numbers)
        if not usable.all():
            raise self.refuse(int(np.argmin(usable)), column, EXPECTED_TIME)
        return numbers

    def ids(self, column: str) -> pl.Series:
        """(n,) the column as the text of raw ids; raises `InputError` naming the first cell that cannot be one.

        No id has spaces or invisible marks around it, or is a missing value that a program wrote out ("nan", "NULL"). Where all
        others are integers, it is no other word for a missing value, either.
        """
        series = self.cells(column)
        if not (series.dtype == pl.String or series.dtype.is_integer()):
            raise self.refuse_type(column, "integers or text")
        text = series.cast(pl.String)
        distinct = text.unique() if series.dtype == pl.String else pl.Series([None] * bool(text.null_count()), dtype=pl.String)
        around = distinct.str.contains(rf"^[\s{INVISIBLE}]|[\s{INVISIBLE}]$") | (distinct == "")
        wrong = distinct.filter(distinct.is_null() | around.fill_null(True))
        if len(wrong):
            raise self.refuse(_first_of(text, wrong), column, AN_ID)
        word = spelled_missing(distinct)
        words, others = distinct.filter(word), distinct.filter(~word)
        integers = len(others) > 0 and bool(others.str.contains(PLAIN_INTEGER).all())
        certain = words if integers else words.filter(written_by_programs(words))
        if len(certain):
            raise self.refuse(_first_of(text, certain), column, "an id; leave out rows without one")
        return text

    def cells(self, column: str, expected: str = "numbers or text") -> pl.Series:
        """(n,) a column of numbers, text or truth values; raises `InputError` naming the first cell of another."""
        series = self.frame[column]
        if not is_cell(series.dtype):
            raise self.refuse_type(column, expected)
        return series

    def text(self, column: str) -> pl.Series:
        """(n,) the column as text, null where blank."""
        return self.cells(column).cast(pl.String)

    def repeat(self, *columns: str) -> tuple[int, int] | None:
        """The first row that has the same values in `columns` as an earlier one, and that earlier row; None without any.

        Raises `InputError` as `cells` does.
        """
        key = self.frame.select(pl.struct(columns)).to_series()
        first = key.is_first_distinct()
        if first.all():
            return None
        row = int(np.argmin(first.to_numpy()))
        cells = {name: self.cells(name)[row] for name in columns}
        same = self.frame.select(pl.all_horizontal(pl.col(name).eq_missing(cells[name]) for name in columns)).to_series()
        return row, int(np.argmax(same.to_numpy()))

    def require_distinct(self, *columns: str, otherwise: str = "") -> None:
        """Raise `InputError` naming both lines where the values of `columns` stand twice; `otherwise` ends its message."""
        repeat = self.repeat(*columns)
        if repeat is not None:
            row, earlier = repeat
            what = ", ".join(f"{name} {self.frame[name][row]}" for name in columns)
            raise InputError(
                f"{self.source}: {self.place(row)} repeats {what} of {self.place(earlier)}; expected each once{otherwise}"
            )


def _first_of(texts: pl.Series, wrong: pl.Series) -> int:
    """The first row of `texts` that is blank or one of `wrong`."""
    known = wrong.drop_nulls().to_list()
    found = texts.is_null() if not known else texts.is_in(known).fill_null(True)
    return int(np.argmax(found.to_numpy()))


def read_table(path: Path, required: Sequence[str]) -> Table:
    """Read a table with at least one row and the `required` columns (it may have more).

    CSV is comma-separated UTF-8 with a header line, LF or CRLF. Parquet's columns are read by their types (`plain_types`), and
    the table may be a folder of parts.

    Raises:
        InputError: if the file is missing, empty, malformed or neither `.csv` nor `.parquet`, or lacks a column.
    """
    if is_parquet(path):
        frame = read_parquet(path)
    elif require_file(path).suffix.lower() == ".csv":
        frame = _read_csv(path)
    else:
        raise InputError(f"{path}: cannot tell its format; expected a file named .csv or .parquet")
    return table_of(path, frame, required)


def table_of(source: Path | str, frame: pl.DataFrame, required: Sequence[str]) -> Table:
    """The rows of `frame` that are not wholly blank; raises `InputError` if there is none, or it lacks a `required` column."""
    missing = [name for name in required if name not in frame.columns]
    if missing:
        guess = meant(missing[0], [name for name in frame.columns if name not in required])
        separator = separator_of(frame.columns)
        hint = "" if guess is None else f"; did you mean '{guess}'?"
        if separator is not None:
            hint = f"; cells seem to be separated by {separator!r}, expected ','"
        raise InputError(f"{source}: column '{missing[0]}' is missing; expected it beside {', '.join(frame.columns)}{hint}")
    filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    if not filled.any():
        header = "" if isinstance(source, str) else " below its header"
        raise InputError(f"{source}: the table has no rows; expected at least one{header}")
    return Table(source, frame.filter(filled), np.flatnonzero(filled.to_numpy()))


def _read_csv(path: Path) -> pl.DataFrame:
    require_plain_text(path)
    try:
        frame = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _explain(path) from error
    passed_over = any("_duplicated_" in name or "\ufffd" in name for name in frame.columns)  # how polars treats such headers
    if passed_over or not all_lines_have(path, frame.width):
        raise _explain(path)
    return frame


def _explain(path: Path) -> InputError:
    """What is wrong with a CSV file that could not be read; only then is it read a second time, slowly."""
    try:
        text = read_text(path)
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header: list[str] = []
        end = 0
        for cells in reader:
            header = header or cells
            if len(set(header)) < len(header):
                return InputError(f"{path}: line {end + 1} names a column twice; expected each once")
            if cells and len(cells) != len(header):
                return InputError(f"{path}: line {end + 1} has {len(cells)} cells; expected {len(header)} like its header")
            end = reader.line_num
    except InputError as error:
        return error
    except csv.Error as error:
        return InputError(f"{path}: line {reader.line_num} is not CSV ({error})")
    return InputError(f"{path}: not a readable CSV file")


def _csv_line(path: Path, record: int) -> int:
    """The 1-based line on which a record starts; quoted cells may span lines, so the file is read again to count."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""))
    header_seen = False
    start = 1
    for cells in reader:
        if header_seen:
            if record == 0:
                break
            record -= 1
        header_seen = header_seen or bool(cells)  # polars passes over blank lines above the header
        start = reader.line_num + 1
    return start
