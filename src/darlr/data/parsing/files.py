"""Opening input files: the checks that every reader shares, and their fingerprints."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from darlr.errors import InputError
from darlr.reading import open_file


def require_file(path: Path) -> Path:
    """`path`, if it is a readable file with anything in it.

    Raises:
        InputError: if there is no such file, it may not be read, or it is empty.
    """
    open_file(path).close()
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    return path


def hash_file(path: Path) -> str:
    """SHA-256 (64 hexadecimal digits) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def naming(source: Path | str) -> Iterator[None]:
    """Put the name of the file, or of another source, before the message of an `InputError` raised inside."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
