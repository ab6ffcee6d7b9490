"""What a table holds: in memory, or in Parquet files of which a piece at a time is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import polars as pl

from darlr.data.parsing.parquet import common_schema, parts_of, read_parquet, unreadable
from darlr.data.parsing.types import follows_from_type, plain_types

PIECE_ROWS = 1 << 21
"""Rows that are worked on together; a few columns of so many take some 10 MB each."""

Schema = dict[str, pl.DataType]


class Content(Protocol):
    """Columns of equal length, by name.

    Attributes:
        schema: their types, in their order.
        rows: how many rows they have.
    """

    @property
    def schema(self) -> Schema: ...

    @property
    def rows(self) -> int: ...

    @property
    def frame(self) -> pl.DataFrame:
        """All of it in memory."""
        ...

    def pieces(self, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        """The columns `names`, at most `PIECE_ROWS` rows at a time, in order."""
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
    """Columns in Parquet files, read as they are asked for, with `plain_types`.

    Attributes:
        path: the file, or the folder of its parts.
        parts: the files, and how many rows each has.
        schema: the type of every column, which holds what any part has in it.
    """

    path: Path
    parts: tuple[tuple[Path, int], ...]
    schema: Schema

    @classmethod
    def open(cls, path: Path) -> Self | InMemory:
        """In memory where the types of columns hang on their cells. Raises `InputError` as `read_parquet`."""
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
