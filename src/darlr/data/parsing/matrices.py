"""Whitespace-separated matrices without a header, with LF or CRLF."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darlr.data.parsing.files import require_file
from darlr.errors import InputError
from darlr.reading import read_text


def read_integer_matrix(path: Path, shape: tuple[int, int], low: int, high: int) -> NDArray[np.int64]:
    """Read a matrix of integers of the given shape; see `read_matrix`."""
    return _read(path, shape, low, high, whole=True).astype(np.int64)


def read_matrix(path: Path, shape: tuple[int, int], low: float, high: float) -> NDArray[np.float64]:
    """Read a matrix of the given shape; blank lines at the end are ignored.

    Args:
        path: the file, one matrix row on each line.
        shape: the required rows and columns.
        low, high: smallest and largest number that a cell may hold.

    Raises:
        InputError: naming the file, and the line and column (1-based) at fault.
    """
    return _read(path, shape, low, high, whole=False)


def _read(path: Path, shape: tuple[int, int], low: float, high: float, whole: bool) -> NDArray[np.float64]:
    lines = [line.split() for line in read_text(require_file(path)).rstrip().split("\n")]
    rows, columns = shape
    for number, cells in enumerate(lines, start=1):
        if len(cells) != columns:
            raise InputError(f"{path}: line {number} has {len(cells)} columns; expected {columns}")
    if len(lines) != rows:
        raise InputError(f"{path}: {len(lines)} lines; expected {rows}")
    expected = f"{'an integer' if whole else 'a number'} in {low:g}..{high:g}"
    try:
        values = np.array(lines).astype(np.float64)
    except ValueError as error:
        raise _first_word(path, lines, expected) from error
    usable = (values >= low) & (values <= high)
    if whole:
        usable &= values == np.floor(values)
    if not usable.all():
        row, column = np.argwhere(~usable)[0]
        raise _refuse(path, lines, int(row), int(column), expected)
    return values


def _refuse(path: Path, lines: list[list[str]], row: int, column: int, expected: str) -> InputError:
    return InputError(f"{path}: line {row + 1}, column {column + 1} holds '{lines[row][column]}'; expected {expected}")


def _first_word(path: Path, lines: list[list[str]], expected: str) -> InputError:
    """Return the error for the first cell that is not a number."""
    for row, cells in enumerate(lines):
        for column, cell in enumerate(cells):
            try:
                float(cell)
            except ValueError:
                return _refuse(path, lines, row, column, expected)
    return InputError(f"{path}: not a matrix of numbers")
