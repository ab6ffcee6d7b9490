"""Locks for one process at a time, which the system releases when the process ends, even if it is killed."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from darlr.artifacts.files import PARTIAL_SUFFIX
from darlr.errors import RunError
from darlr.reading import without_waiting


@contextmanager
def sole_writer(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Be the only process that makes the file `path`, and remove the remains of killed ones.

    Args:
        path: the file.
        waiting: is called if another process has to finish first.

    Raises:
        RunError: if the folder cannot be used.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(lock, waiting)
    except OSError as error:
        raise RunError(f"{path}: cannot be locked for writing ({error.strerror})") from error
    try:
        for leftover in path.parent.glob(f".{path.name}.*{PARTIAL_SUFFIX}"):
            leftover.unlink()
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def is_locked(lock: Path) -> bool:
    """Return whether a process holds the lock of the file `lock`, on any machine whose locks are visible here."""
    try:
        with open(lock, "rb", opener=without_waiting) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def _locked(lock: Path, waiting: Callable[[], None]) -> int:
    """Return a descriptor of the file `lock` that holds its lock."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Whoever had the lock before may have deleted its file since: what counts is the one that has the name.
            if _has_name(descriptor, lock):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _has_name(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
