"""Opening and reading of files; every error names the file."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from darlr.errors import InputError

_OPEN_ALREADY = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")
"""Where a shell hands over the output of a command (`<(command)`). Such a pipe has a writer, so reading it does not hang."""

_BLOCK = 1 << 20

_AT_ONCE = getattr(os, "O_NONBLOCK", 0)
"""Opens a pipe without waiting for its other end; Windows has no pipes among its files."""
_OWN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Reads bytes unchanged, and keeps the descriptor from child processes."""


def present(path: Path) -> bool:
    """Return whether anything exists at `path`. A name that no file can have counts as absent."""
    try:
        path.stat()
    except (OSError, ValueError):  # ValueError: a null character
        return False
    return True


def is_folder(path: Path) -> bool:
    """Return whether there is a folder at `path`."""
    return present(path) and path.is_dir()


def is_file_or_pipe(path: Path) -> bool:
    """Return whether `path` may be a file; a shell hands over the output of a command (`<(command)`) as a pipe."""
    return present(path) and not path.is_dir()


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading, without ever waiting for a writer: named pipes and devices are refused.

    Raises:
        InputError: if the file does not exist, may not be read, or is not a regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _AT_ONCE | _OWN)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a null character
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    kind = kind_of(os.fstat(descriptor).st_mode)
    handed_over = kind == "a pipe" and str(path).startswith(_OPEN_ALREADY)
    if kind != "a file" and not handed_over:
        os.close(descriptor)
        raise InputError(f"{path}: cannot be read (it is {kind}); expected a file")
    _wait_again(descriptor)
    return os.fdopen(descriptor, "rb")


def without_waiting(path: str, flags: int) -> int:
    """Open a file for `open(..., opener=...)`; a pipe without a reader raises `OSError` instead of waiting for one."""
    descriptor = os.open(path, flags | _AT_ONCE, 0o666)
    _wait_again(descriptor)
    return descriptor


def _wait_again(descriptor: int) -> None:
    """Make reading and writing wait for bytes again; only the opening did not wait."""
    if _AT_ONCE:
        os.set_blocking(descriptor, True)


def kind_of(mode: int) -> str:
    """Name the kind of file that a file's `mode` bits describe."""
    kinds = {stat.S_IFREG: "a file", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _bounded(file: BinaryIO, most: int) -> bytes:
    """Read the content, or a little more than `most` bytes of a longer file; `file.read(most)` would reserve room for
    `most` bytes at once.
    """
    content = bytearray()
    while len(content) <= most and (block := file.read(_BLOCK)):
        content += block
    return bytes(content)


def read_text(path: Path, at_most: int | None = None) -> str:
    """Read a UTF-8 file, with or without a byte-order mark; line ends stay as they are.

    Args:
        path: the file.
        at_most: the largest size in bytes; a longer file is refused before it is read whole.

    Raises:
        InputError: as `open_file`, and if the file is longer or not UTF-8 (the message names the first wrong line).
    """
    try:
        with open_file(path) as file:
            content = file.read() if at_most is None else _bounded(file, at_most)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if at_most is not None and len(content) > at_most:
        raise InputError(f"{path}: more than {at_most:,} bytes; expected at most that many")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}: line {line} is not UTF-8 text") from error
