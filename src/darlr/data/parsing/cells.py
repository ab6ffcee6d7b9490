"""A check that every line of a CSV file has as many cells as its header.

Polars pads short lines and, if only some columns are requested, cuts long ones. So it would read a damaged line as another one.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 24  # bytes that are examined at once


def records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line (1-based) on which each record begins, and its cells; blank lines are skipped.

    Raises:
        UnicodeDecodeError: for text that is not UTF-8.
        csv.Error: for quotes that do not end.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        line = 1
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1


def all_lines_have(path: Path, cells: int) -> bool:
    """Return whether every line has the given number of cells; blank lines are skipped. False if the text is not CSV in UTF-8.

    Commas are counted in blocks of bytes as long as no cell is quoted; a file with quotes is read record by record.
    """
    with path.open("rb") as file:
        for block in _whole_lines(file):
            if b'"' in block:
                return _all_records_have(path, cells)
            commas, blank = _commas(block)
            if not (blank | (commas == cells - 1)).all():
                return False
    return True


def lines_in_blocks(path: Path, cells: int) -> list[tuple[int, int]] | None:
    """Return (bytes, lines) of each block of whole lines, from the file's beginning on.

    The result is None if a line is blank, has another number of cells, or has a quoted one.
    """
    found = []
    with path.open("rb") as file:
        for block in _whole_lines(file):
            commas, blank = _commas(block)
            if b'"' in block or blank.any() or not (commas == cells - 1).all():
                return None
            found.append((len(block), len(commas)))
    return found


def _commas(block: bytes) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return (lines,) the number of commas in each line of the block, and whether it is blank."""
    characters = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(characters == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    commas: NDArray[np.int32] = np.add.reduceat((characters == ord(",")).view(np.uint8), starts, dtype=np.int32)
    blank = (ends == starts) | ((ends == starts + 1) & (characters[starts] == ord("\r")))
    return commas, blank


def _all_records_have(path: Path, cells: int) -> bool:
    try:
        return all(len(record) == cells for _, record in records(path))
    except (UnicodeDecodeError, csv.Error):
        return False


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the file in blocks that each end with a line; a missing line end at the end of the file is added."""
    rest = b""
    while read := file.read(BLOCK):
        end = read.rfind(b"\n") + 1
        if end:
            yield rest + read[:end]
            rest = read[end:]
        else:
            rest += read
    if rest:
        yield rest + b"\n"
