"""Opening and reading files; every refusal names the file."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from darlr.errors import InputError

_OPEN_ALREADY = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")
"""Where a shell hands over the output of a command (`<(command)`): such a pipe has somebody who writes into it."""

_BLOCK = 1 << 20

_AT_ONCE = getattr(os, "O_NONBLOCK", 0)
"""Opens a pipe without waiting for its other end; Windows has no pipes among its files."""
_OWN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Bytes as they are, for this process alone."""


def present(path: Path) -> bool:
    """Whether anything is there; nothing is under a name that no file can have."""
    try:
        path.stat()
    except (OSError, ValueError):  # ValueError: a null character
        return False
    return True


def is_folder(path: Path) -> bool:
    """Whether a folder is there, by whatever name."""
    return present(path) and path.is_dir()


def is_file_or_pipe(path: Path) -> bool:
    """Whether `path` can be meant as a file: a shell hands over the output of a command (`<(command)`) as a pipe."""
    return present(path) and not path.is_dir()


def open_file(path: Path) -> BinaryIO:
    """Open a file to be read. Never waits for one who writes: a named pipe and a device are refused.

    Raises:
        InputError: if there is no such file, it may not be read, or it is something else.
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
    """An `opener` for `open` that refuses a pipe nobody reads, with `OSError`, instead of waiting for a reader."""
    descriptor = os.open(path, flags | _AT_ONCE, 0o666)
    _wait_again(descriptor)
    return descriptor


def _wait_again(descriptor: int) -> None:
    """Let reading and writing wait for bytes, where opening did not wait."""
    if _AT_ONCE:
        os.set_blocking(descriptor, True)


def kind_of(mode: int) -> str:
    """What a file's mode says that it is."""
    kinds = {stat.S_IFREG: "a file", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _bounded(file: BinaryIO, most: int) -> bytes:
    """The content, or more than `most` bytes of its beginning; `file.read(most)` would make room for all of them at once."""
    content = bytearray()
    while len(content) <= most and (block := file.read(_BLOCK)):
        content += block
    return bytes(content)


def read_text(path: Path, at_most: int | None = None) -> str:
    """The text of a UTF-8 file, with or without a byte-order mark, its line ends as they are.

    Args: at_most: bytes; a longer file is refused before it is read.

    Raises:
        InputError: as `open_file`, and if it is not UTF-8 (naming the first line that is not) or longer.
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
