"""Opening of input files: the checks that every reader shares, and fingerprints."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from darlr.errors import InputError
from darlr.reading import open_file

_PACKED = "is compressed; expected plain text, so unpack it first"
_WORKBOOK = "is an archive or a spreadsheet; expected plain text, so unpack it or save it as CSV first"
_UTF_16 = "is UTF-16 text; expected UTF-8, so save it as UTF-8 first"
_BEGINNINGS = {
    b"\x1f\x8b": _PACKED,  # gzip
    b"\x28\xb5\x2f\xfd": _PACKED,  # zstd
    b"x\x01": _PACKED,  # zlib, as the next three
    b"x^": _PACKED,
    b"x\x9c": _PACKED,
    b"x\xda": _PACKED,
    b"BZh": _PACKED,
    b"\xfd7zXZ": _PACKED,
    b"PK\x03\x04": _WORKBOOK,  # ZIP, and so .xlsx and .ods
    b"\xd0\xcf\x11\xe0": _WORKBOOK,  # .xls
    b"\xff\xfe": _UTF_16,
    b"\xfe\xff": _UTF_16,
}
"""The first bytes of files that are not plain text. Polars would unpack some of them, whatever their size."""


def require_file(path: Path) -> Path:
    """Return `path` if it is a readable file that is not empty.

    Raises:
        InputError: if there is no such file, it may not be read, or it is empty.
    """
    open_file(path).close()
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    return path


def hash_file(path: Path) -> str:
    """Return the SHA-256 (64 hexadecimal digits) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_plain_text(path: Path) -> Path:
    """Return `path` unless it begins like a compressed file, an archive, a spreadsheet or UTF-16 text.

    Raises:
        InputError: as `require_file`, and naming the format that the file seems to have.
    """
    with require_file(path).open("rb") as file:
        begin = file.read(8)
    for beginning, what in _BEGINNINGS.items():
        if begin.startswith(beginning):
            raise InputError(f"{path}: {what}")
    return path


@contextmanager
def naming(source: Path | str) -> Iterator[None]:
    """Put the name of the file, or of another source, before the message of an `InputError` raised in the block."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
