"""Atomic writes, which leave a file whole or absent, and JSON that every reader accepts (no NaN, no infinity)."""

import contextlib
import errno
import json
import math
import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from darlr.errors import InputError, RunError
from darlr.reading import present, read_text
from darlr.text import VALUE, brief, shortened

PARTIAL_SUFFIX = ".partial"


def write_bytes(path: Path, content: bytes) -> None:
    """Replace the file `path` by `content`, in the way of `replacing`."""
    with replacing(path) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file for the new content of `path`, which replaces it when the block ends; missing folders are made.

    A reader, and a process after a crash, finds the old file or the new one, never a part. If the block raises, the old
    file stays.

    Raises:
        RunError: if the file cannot be written.
    """
    partial = path.parent / f".{path.name}.{uuid.uuid4().hex}{PARTIAL_SUFFIX}"  # '.' has no name
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        publish(partial, path)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({reason(path, error)})") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def publish(partial: Path, path: Path) -> None:
    """Rename `partial`, a synced file or folder of synced files, to `path` in the same folder, and make the rename survive
    a power cut.

    A name belongs to its folder, so the folder is synced.

    Raises:
        OSError: if the system refuses.
    """
    partial.replace(path)
    if os.name == "nt":  # Windows opens no folder, and writes names down by itself
        return
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reason(path: Path, error: OSError) -> str:
    """Why `path` cannot be made or written.

    Some systems say "no such file" of a place in which nothing can be made, and "file exists" of a folder's place that a file
    has: the reason names the place instead.
    """
    if not isinstance(error, (FileNotFoundError, FileExistsError, NotADirectoryError)):
        return str(error.strerror or error)
    place = next(parent for parent in path.absolute().parents if present(parent))
    return f"nothing can be made in {place}" if place.is_dir() else f"{place} is a file; expected a folder"


def encode_json(value: Any, place: str, indent: int | None = None) -> str:
    """Encode `value` as JSON text.

    Raises:
        RunError: naming `place` and the entry that is NaN or infinite.
    """
    try:
        return json.dumps(value, allow_nan=False, indent=indent)
    except ValueError as error:
        name, number = next(_not_finite(value))
        raise RunError(f"{place}: '{name}' is {number}; expected a finite number") from error


def _not_finite(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, float) and not math.isfinite(value):
        yield name, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _not_finite(part, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            yield from _not_finite(part, f"{name}[{index}]")


def decode_json(text: str, place: str) -> Any:
    """Decode a JSON text. Duplicate keys in an object, numbers that are not finite and lone surrogates are refused.

    Raises:
        InputError: naming `place` (a file, or a file and line).
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_distinct)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError as error:
        raise InputError(f"{place}: not valid JSON (half a character, {error.object[error.start : error.end]!r})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: not valid JSON ({error})") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{shortened(digits, VALUE)} is too large for a number")
    return number


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in value if keys.count(key) > 1)
        raise ValueError(f"key {brief(twice)} is given twice")
    return value


def read_object(path: Path) -> dict[str, Any]:
    """Read the JSON object in a file.

    Raises:
        InputError: naming the file, if it does not hold a JSON object.
    """
    value = decode_json(read_text(path), str(path))
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object")
    return value
