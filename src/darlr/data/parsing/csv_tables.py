"""CSV tables as text, whole or piece by piece, with errors that name the line of a record."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import polars as pl

from darlr.data.parsing.cells import all_lines_have, lines_in_blocks
from darlr.data.parsing.files import require_plain_text
from darlr.errors import InputError
from darlr.reading import read_text

SMALL = 1 << 26
"""The largest file, in bytes, that is read at once."""
PIECE_BYTES = 1 << 26


def read_csv(path: Path) -> pl.DataFrame:
    """Read all columns as text.

    Raises:
        InputError: naming the fault of the file, and the line.
    """
    frame = _parsed(path)
    if not all_lines_have(path, frame.width):
        raise _explain(path)
    return frame


def _parsed(path: Path, rows: int | None = None) -> pl.DataFrame:
    """Return all rows, or the first ones, whose lines may still have too many or too few cells."""
    require_plain_text(path)
    try:
        frame = pl.read_csv(path, infer_schema=False, n_rows=rows)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _explain(path) from error
    if any("_duplicated_" in name or "\ufffd" in name for name in frame.columns):  # polars treats such headers so
        raise _explain(path)
    return frame


@dataclass(frozen=True)
class InCsv:
    """Columns of text in a CSV file without quotes and blank lines, parsed on request.

    Attributes:
        path: the file.
        names: its header.
        blocks: (first byte, bytes, rows) of each piece, below the header.
    """

    path: Path
    names: tuple[str, ...]
    blocks: tuple[tuple[int, int, int], ...]

    @classmethod
    def open(cls, path: Path) -> Self | None:
        """Open a file; None if it has quotes or blank lines, or is small, because `read_csv` reads these.

        Raises:
            InputError: naming the fault of the header.
        """
        if path.stat().st_size < SMALL:
            return None
        names = tuple(_parsed(path, 1).columns)
        lines = lines_in_blocks(path, len(names))
        if lines is None:
            return None
        with path.open("rb") as file:
            start = len(file.readline())
        blocks = []
        end, rows = 0, -1  # the header is a line of the first block
        for size, count in lines:
            end, rows = end + size, rows + count
            if end - start >= PIECE_BYTES:
                blocks.append((start, end - start, rows))
                start, rows = end, 0
        return cls(path, names, (*blocks, (start, end - start, rows)) if rows else tuple(blocks))

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """The columns' types: text."""
        return {name: pl.String() for name in self.names}

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(rows for _, _, rows in self.blocks)

    @property
    def frame(self) -> pl.DataFrame:
        return pl.concat([pl.DataFrame(schema=self.schema), *self.pieces(self.names)])

    def pieces(self, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        columns = sorted(self.names.index(name) for name in names)
        with self.path.open("rb") as file:
            for start, size, _ in self.blocks:
                file.seek(start)
                try:
                    piece = pl.read_csv(file.read(size), has_header=False, columns=columns, infer_schema=False)
                except pl.exceptions.PolarsError as error:
                    raise _explain(self.path) from error
                order = sorted(columns)
                yield piece.rename(dict(zip(piece.columns, (self.names[column] for column in order), strict=True))).select(
                    names
                )


def _explain(path: Path) -> InputError:
    """Return the error for a CSV file that could not be read; only then is it read a second time, slowly."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header: list[str] = []
            end = 0
            for cells in reader:
                header = header or cells
                if len(set(header)) < len(header):
                    return InputError(f"{path}: line {end + 1} names a column twice; expected each once")
                if cells and len(cells) != len(header):
                    return InputError(f"{path}: line {end + 1} has {len(cells)} cells; expected {len(header)} like its header")
                end = reader.line_num
    except UnicodeDecodeError:
        try:
            read_text(path)
        except InputError as error:  # which names the line
            return error
    except csv.Error as error:
        return InputError(f"{path}: line {reader.line_num} is not CSV ({error})")
    return InputError(f"{path}: not a readable CSV file")


def line_of(path: Path, record: int) -> int:
    """Return the 1-based line on which a record starts; quoted cells may span lines, so the file is read again to count."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header_seen = False
        start = 1
        for cells in reader:
            if header_seen:
                if record == 0:
                    break
                record -= 1
            header_seen = header_seen or bool(cells)  # polars skips blank lines above the header
            start = reader.line_num + 1
    return start
