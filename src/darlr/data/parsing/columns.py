"""Columns of numbers from CSV files of many millions of rows."""

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from darlr.data.parsing.cells import all_lines_have, records
from darlr.data.parsing.files import require_plain_text
from darlr.errors import InputError

NUMBER = re.compile(r" *[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)? *")
WHOLE_NUMBER = re.compile(r" *[+-]?\d+ *")
# The option that keeps polars from holding all columns of a large file at once, before and since version 1.23.
STREAMED: Mapping[str, Any] = (
    {"streaming": True} if "streaming" in signature(pl.LazyFrame.collect).parameters else {"engine": "streaming"}
)


@dataclass(frozen=True)
class Column:
    """The allowed values of a column: finite numbers in low..high, whole ones unless `dtype` is a float."""

    dtype: type[pl.DataType]
    low: float = -math.inf
    high: float = math.inf
    may_be_blank: bool = False
    hint: str = ""  # the end of the message about any other number

    @property
    def expected(self) -> str:
        """The allowed values in words."""
        kind = "a number" if self.dtype.is_float() else "a whole number"
        if self.low == self.high:
            return f"{self.low:g}{self.hint}"
        if math.isinf(self.low) and math.isinf(self.high):
            return kind + self.hint
        bounds = f" of at least {self.low:g}" if math.isinf(self.high) else f" in {self.low:g}..{self.high:g}"
        return kind + bounds + self.hint

    def accepts(self, cell: str) -> bool:
        """Return whether the text of a cell is allowed in the column."""
        if cell == "":
            return self.may_be_blank
        if not (NUMBER if self.dtype.is_float() else WHOLE_NUMBER).fullmatch(cell):
            return False
        value = float(cell) if self.dtype.is_float() else int(cell)
        return math.isfinite(value) and self.low <= value <= min(self.high, self._largest)

    @property
    def _largest(self) -> float:
        """The largest number that the type can hold."""
        kind = pl.Series(dtype=self.dtype).to_numpy().dtype
        return math.inf if self.dtype.is_float() else float(np.iinfo(kind).max)

    def holds(self, values: pl.Series) -> bool:
        """Return whether all `values` (n,) of the column are allowed."""
        if values.null_count() and not self.may_be_blank:
            return False
        known = values.drop_nulls()
        return bool(len(known) == 0 or (np.isfinite(bounds := _extremes(known)).all() and self._inside(*bounds)))

    def _inside(self, smallest: float, largest: float) -> bool:
        return self.low <= smallest and largest <= self.high


def _extremes(values: pl.Series) -> tuple[float, float]:
    """Return the smallest and the largest value; NaN if one of the values is."""
    numbers = values.to_numpy()
    return float(numbers.min()), float(numbers.max())


def read_columns(path: Path, columns: Mapping[str, Column], hints: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Read `columns` of a comma-separated UTF-8 file with a header line; other columns and blank lines are ignored.

    Args:
        path: the file.
        columns: the allowed values of each column.
        hints: column -> an explanation of its absence, for the end of the message.

    Raises:
        InputError: naming the file, and the line (1-based, header included) and column at fault.
    """
    header = _header(path)
    for name in columns:
        if name not in header:
            hint = (hints or {}).get(name, "")
            raise InputError(f"{path}: column '{name}' is missing; expected it beside {', '.join(header)}{hint}")
    if not all_lines_have(path, len(header)):
        raise _explain(path, columns)
    types = {name: column.dtype for name, column in columns.items()}
    try:
        wanted = pl.scan_csv(path, infer_schema=False, schema_overrides=types).select(*columns)
        frame: pl.DataFrame = wanted.collect(**STREAMED)
    except pl.exceptions.PolarsError as error:
        raise _explain(path, columns) from error
    filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    if not filled.all() and filled.sum() == sum(1 for _ in records(path)) - 1:  # the others are blank lines
        frame = frame.filter(filled)
    if frame.is_empty():
        raise InputError(f"{path}: the table has no rows; expected at least one below its header")
    if not all(column.holds(frame[name]) for name, column in columns.items()):
        raise _explain(path, columns)
    return frame


def line_of(path: Path, row: int) -> int:
    """Return the 1-based line of row `row` (0 for the first below the header)."""
    for index, (line, _) in enumerate(records(path)):
        if index == row + 1:
            return line
    raise IndexError(f"{path} has no row {row}")


def _header(path: Path) -> list[str]:
    with require_plain_text(path).open("rb") as file:
        first = file.readline()
    try:
        header = next(csv.reader([first.decode("utf-8-sig")]), [])
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: line 1 is not UTF-8 text") from error
    if len(set(header)) < len(header):
        raise InputError(f"{path}: line 1 names a column twice; expected each once")
    return header


def _explain(path: Path, columns: Mapping[str, Column]) -> InputError:
    """Return the error for the first fault of a file that could not be used; only then is it read slowly, line by line."""
    rows = records(path)
    number = 0
    try:
        number, header = next(rows)
        places = {name: header.index(name) for name in columns}
        for number, cells in rows:
            if len(cells) != len(header):
                return InputError(f"{path}: line {number} has {len(cells)} cells; expected {len(header)} like its header")
            for name, column in columns.items():
                cell = cells[places[name]]
                if not column.accepts(cell):
                    found = f"holds '{cell}'" if cell else "is blank"
                    return InputError(f"{path}: line {number}, column '{name}' {found}; expected {column.expected}")
    except UnicodeDecodeError:
        return InputError(f"{path}: line {_undecodable_line(path)} is not UTF-8 text")
    except csv.Error as error:
        return InputError(f"{path}: line {number + 1} is not CSV ({error})")
    return InputError(f"{path}: not a readable CSV file")


def _undecodable_line(path: Path) -> int:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return 1
