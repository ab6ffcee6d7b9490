"""Locks for one process at a time, which the system releases when the process ends, even if it is killed."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import lock_descriptor

from darlr.artifacts.files import PARTIAL_SUFFIX, reason
from darlr.errors import RunError
from darlr.reading import without_waiting

MOMENT, PAUSE = 0.2, 0.02  # seconds


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
        raise RunError(f"{path}: cannot be locked for writing ({reason(path, error)})") from error
    try:
        for leftover in path.parent.glob(f".{path.name}.*{PARTIAL_SUFFIX}"):
            leftover.unlink()
        yield
    finally:
        let_go(lock, descriptor)


def take(lock: Path) -> int | None:
    """Return a descriptor of the file `lock`, created if needed, that holds its lock until `let_go`; None if another
    process holds it.

    Raises:
        OSError: if the file cannot be opened.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if lock_soon(descriptor) and _has_name(descriptor, lock):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def let_go(lock: Path, descriptor: int) -> None:
    """Delete the file `lock` and release its lock; Windows deletes no open file, so there the file stays."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        lock.unlink()
    os.close(descriptor)


def is_locked(lock: Path) -> bool:
    """Return whether a process holds the lock of the file `lock`, on any machine whose locks are visible here."""
    try:
        descriptor = without_waiting(str(lock), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not lock_soon(descriptor)
    finally:
        os.close(descriptor)


def lock_soon(descriptor: int) -> bool:
    """Lock an open file until it is closed; return False if a process holds its lock.

    A process that only asks whether a file is locked holds its lock for an instant, so this function tries for a moment.
    """
    end = time.monotonic() + MOMENT
    while not lock_descriptor(descriptor, blocking=False):
        if time.monotonic() >= end:
            return False
        time.sleep(PAUSE)
    return True


def _locked(lock: Path, waiting: Callable[[], None]) -> int:
    """Return a descriptor of the file `lock` that holds its lock."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not lock_descriptor(descriptor, blocking=False):
                waiting()
                lock_descriptor(descriptor)
            # The previous holder may have deleted its file since; only the file that has the name counts.
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
