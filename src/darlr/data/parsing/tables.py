"""Tables from CSV, from Parquet or handed over in Python: errors name the place, the column and what was expected."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from darlr.data.parsing.cells import all_lines_have
from darlr.data.parsing.files import require_file
from darlr.errors import InputError
from darlr.reading import read_text


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
        return f"row {record + 1}" if _is_parquet(self.source) else f"line {_csv_line(self.source, record)}"

    def refuse(self, row: int, column: str, expected: str) -> InputError:
        """The error for a cell that cannot be used."""
        cell = self.frame[column][row]
        found = "is blank" if cell is None or cell == "" else f"holds '{cell}'"
        return InputError(f"{self.source}: {self.place(row)}, column '{column}' {found}; expected {expected}")

    def numbers(self, column: str, low: float = -np.inf, high: float = np.inf) -> NDArray[np.float64]:
        """(n,) the column as finite numbers in low..high; raises `InputError` naming the first other cell."""
        series = self._plain(column)
        values = series.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
        expected = "a number" if np.isinf(low) and np.isinf(high) else f"a number in {low:g}..{high:g}"
        usable = np.isfinite(values) & (values >= low) & (values <= high)
        if not usable.all():
            raise self.refuse(int(np.argmin(usable)), column, expected)
        return values

    def ids(self, column: str) -> pl.Series:
        """(n,) the column as the text of raw ids; raises `InputError` naming the first cell that cannot be one."""
        series = self._plain(column)
        if not (series.dtype == pl.String or series.dtype.is_integer()):
            raise InputError(f"{self.source}: column '{column}' is of type {series.dtype}; expected integers or text")
        text = series.cast(pl.String)
        usable = (text.is_not_null() & (text != "") & (text.str.strip_chars() == text)).fill_null(False).to_numpy()
        if not usable.all():
            raise self.refuse(int(np.argmin(usable)), column, "an integer or text without spaces around it")
        return text

    def text(self, column: str) -> pl.Series:
        """(n,) the column as text, null where blank."""
        return self._plain(column).cast(pl.String)

    def repeat(self, *columns: str) -> tuple[int, int] | None:
        """The first row that has the same values in `columns` as an earlier one, and that earlier row; None without any."""
        key = self.frame.select(pl.struct(columns)).to_series()
        first = key.is_first_distinct()
        if first.all():
            return None
        row = int(np.argmin(first.to_numpy()))
        same = self.frame.select(pl.all_horizontal(pl.col(name) == self.frame[name][row] for name in columns)).to_series()
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

    def _plain(self, column: str) -> pl.Series:
        series = self.frame[column]
        if series.dtype.is_nested() or series.dtype == pl.Binary:
            raise InputError(f"{self.source}: column '{column}' is of type {series.dtype}; expected numbers or text")
        return series


def read_table(path: Path, required: Sequence[str]) -> Table:
    """Read a table with at least one row and the `required` columns (it may have more).

    CSV is comma-separated UTF-8 with a header line, LF or CRLF; Parquet's date-times become seconds since 1970.

    Raises:
        InputError: if the file is missing, empty, malformed or neither `.csv` nor `.parquet`, or lacks a column.
    """
    require_file(path)
    if _is_parquet(path):
        frame = _read_parquet(path)
    elif path.suffix.lower() == ".csv":
        frame = _read_csv(path)
    else:
        raise InputError(f"{path}: cannot tell its format; expected a file named .csv or .parquet")
    return table_of(path, frame, required)


def table_of(source: Path | str, frame: pl.DataFrame, required: Sequence[str]) -> Table:
    """The rows of `frame` that are not wholly blank; raises `InputError` if there is none, or it lacks a `required` column."""
    missing = [name for name in required if name not in frame.columns]
    if missing:
        raise InputError(f"{source}: column '{missing[0]}' is missing; expected it beside {', '.join(frame.columns)}")
    filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    if not filled.any():
        header = "" if isinstance(source, str) else " below its header"
        raise InputError(f"{source}: the table has no rows; expected at least one{header}")
    return Table(source, frame.filter(filled), np.flatnonzero(filled.to_numpy()))


def plain_types(frame: pl.DataFrame) -> pl.DataFrame:
    """Date-times as seconds since 1970, categoricals as their text; other columns as they are."""
    coded = cs.by_dtype(pl.Categorical, pl.Enum)
    return frame.with_columns(cs.datetime().dt.epoch("us") / 1e6, coded.cast(pl.String))


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file") from error
    return plain_types(frame)


def _read_csv(path: Path) -> pl.DataFrame:
    try:
        frame = pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError as error:
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
