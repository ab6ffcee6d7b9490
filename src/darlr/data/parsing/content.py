"""The content of a table: in memory, or in Parquet files that are read piece by piece."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import polars as pl

from darlr.data.parsing.parquet import common_schema, parts_of, read_parquet, unreadable
from darlr.data.parsing.types import follows_from_type, plain_types

PIECE_ROWS = 1 << 21
"""The number of rows that are processed at once; a few columns of this length take some 10 MB each."""

Schema = dict[str, pl.DataType]


class Content(Protocol):
    """Columns of equal length, by name.

    Attributes:
        schema: their types, in their order.
        rows: the number of rows.
    """

    @property
    def schema(self) -> Schema:
        """The columns' types, in their order."""

    @property
    def rows(self) -> int:
        """The number of rows."""

    @property
    def frame(self) -> pl.DataFrame:
        """All columns in memory."""
        ...

    def pieces(self, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield the columns `names` in order, at most `PIECE_ROWS` rows at a time."""
        ...


@dataclass(frozen=True)
class InMemory:
    """Columns that are in memory."""

    frame: pl.DataFrame

    @property
    def schema(self) -> Schema:
        return dict(self.frame.schema)

    @property
    def rows(self) -> int:
        return self.frame.height

    def pieces(self, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        yield from self.frame.select(names).iter_slices(PIECE_ROWS)


@dataclass(frozen=True)
class InParquet:
    """Columns in Parquet files, read on request, with `plain_types`.

    Attributes:
        path: the file, or the folder of its parts.
        parts: the files, and their numbers of rows.
        schema: the type of every column, which can hold the values of all parts.
    """

    path: Path
    parts: tuple[tuple[Path, int], ...]
    schema: Schema

    @classmethod
    def open(cls, path: Path) -> Self | InMemory:
        """Open a table; if the types of columns depend on their cells, read it into memory.

        Raises:
            InputError: as `read_parquet`.
        """
        schemas = []
        parts = []
        for part in parts_of(path):
            with unreadable(part):
                stored = pl.read_parquet_schema(part)
                parts.append((part, int(_scan(part).select(pl.len()).collect().item())))
            if not all(map(follows_from_type, stored.values())):
                return InMemory(read_parquet(path))
            schemas.append(plain_types(pl.DataFrame(schema=stored)))
        return cls(path, tuple(parts), dict(common_schema(path, schemas)))

    @property
    def rows(self) -> int:
        return sum(rows for _, rows in self.parts)

    @property
    def frame(self) -> pl.DataFrame:
        return pl.concat([pl.DataFrame(schema=self.schema), *self.pieces(list(self.schema))])

    def pieces(self, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        types = pl.Schema({name: self.schema[name] for name in names})
        for part, rows in self.parts:
            for start in range(0, rows, PIECE_ROWS):
                with unreadable(part):
                    piece = _scan(part).select(names).slice(start, PIECE_ROWS).collect()
                yield plain_types(piece).cast(types)


def _scan(part: Path) -> pl.LazyFrame:
    return pl.scan_parquet(part, hive_partitioning=False)
