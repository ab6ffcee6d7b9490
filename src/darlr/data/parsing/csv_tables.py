"""CSV tables as text: which files are refused, why, and on which line a record stands."""

import csv
import io
from pathlib import Path

import polars as pl

from darlr.data.parsing.cells import all_lines_have
from darlr.errors import InputError
from darlr.reading import read_text

PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"x\x01", b"x^", b"x\x9c", b"x\xda")
"""How gzip, zstd and zlib begin. Polars would unpack them, whatever their size; the rest of darlr reads files as they are."""


def read_csv(path: Path) -> pl.DataFrame:
    """All columns as text; raises `InputError` naming what is wrong with the file, and the line."""
    with path.open("rb") as file:
        if file.read(4).startswith(PACKED):
            raise InputError(f"{path}: is compressed; expected plain text, so unpack it first")
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


def line_of(path: Path, record: int) -> int:
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
