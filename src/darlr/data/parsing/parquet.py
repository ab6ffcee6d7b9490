"""Parquet tables: a file, or a folder of parts as Spark and others write it."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from darlr.data.parsing.files import hash_file, require_file
from darlr.data.parsing.types import plain_types
from darlr.errors import InputError
from darlr.reading import is_folder

SUFFIX = ".parquet"


def is_parquet(path: Path) -> bool:
    """Return whether `path` names a Parquet file or a folder of parts."""
    return path.suffix.lower() == SUFFIX or is_folder(path)


def parts_of(path: Path) -> list[Path]:
    """Return the files of a table: itself, or the .parquet files in and below a folder, by name, without those that begin
    with _ or a dot.

    Raises:
        InputError: for a folder without any, and for one whose parts lie in folders that name a value (year=2020).
    """
    if not is_folder(path):
        return [path]
    inside = [file for file in sorted(path.rglob("*")) if not any(_hidden(part) for part in file.relative_to(path).parts)]
    parts = [file for file in inside if file.is_file() and file.suffix.lower() == SUFFIX]
    if not parts:
        raise InputError(f"{path}: the folder holds no {SUFFIX} file; expected the parts of a table")
    named = [file for file in parts if any("=" in folder for folder in file.relative_to(path).parent.parts)]
    if named:
        shown = named[0].relative_to(path)
        raise InputError(f"{path}: the part {shown} has a column in its folder's name; expected all columns inside the parts")
    return parts


def read_parquet(path: Path) -> pl.DataFrame:
    """Read all rows, part by part, with `plain_types`.

    Raises:
        InputError: for parts that cannot be read or have other columns.
    """
    frames = [_read(part) for part in parts_of(path)]
    common_schema(path, frames)
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="vertical_relaxed")


def common_schema(path: Path, frames: Sequence[pl.DataFrame]) -> pl.Schema:
    """Return types that can hold the columns of all parts; `frames` has some rows, or none, of each part.

    Raises:
        InputError: for parts with other columns than the first, or with types that have no common type.
    """
    first = frames[0]
    for part, frame in zip(parts_of(path), frames, strict=True):
        if frame.columns != first.columns:
            raise InputError(
                f"{path}: the part {part.relative_to(path)} has the columns {', '.join(frame.columns)}; "
                f"expected {', '.join(first.columns)} as the first part"
            )
    try:
        return pl.concat([frame.clear() for frame in frames], how="vertical_relaxed").schema
    except pl.exceptions.PolarsError as error:
        name = next(name for name in first.columns if len({str(frame[name].dtype) for frame in frames}) > 1)
        kinds = ", ".join(dict.fromkeys(str(frame[name].dtype) for frame in frames))
        raise InputError(f"{path}: column '{name}' is of other types in other parts ({kinds}); expected one") from error


def place_of(path: Path, record: int) -> str:
    """Name the place of a record (from 0) of the table: its row (from 1), and its part if there are several."""
    if not is_folder(path):
        return f"row {record + 1}"
    for part in parts_of(path):
        with unreadable(part):
            rows = pl.scan_parquet(part, hive_partitioning=False).select(pl.len()).collect().item()
        if record < rows:
            return f"row {record + 1} of {part.relative_to(path)}"
        record -= rows
    raise IndexError(f"{path} has no such record")


def hash_table(path: Path) -> str:
    """Return the SHA-256 (64 hexadecimal digits) of a table's file, or of the names and hashes of its parts."""
    if not is_folder(path):
        return hash_file(path)
    parts = [f"{part.relative_to(path)} {hash_file(part)}\n" for part in parts_of(path)]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _hidden(name: str) -> bool:
    return name.startswith(("_", "."))


def _read(path: Path) -> pl.DataFrame:
    with unreadable(path):
        return plain_types(pl.read_parquet(path, hive_partitioning=False))


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """Raise `InputError` if reading the file fails in the block."""
    require_file(path)
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:  # a damaged file may panic
        raise InputError(f"{path}: not a readable Parquet file") from error
