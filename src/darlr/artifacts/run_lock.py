"""The lock of a run's folder: one process at a time works on a run, and never in a folder with foreign files."""

from pathlib import Path
from typing import IO

from darlr.artifacts.beginning import ENVIRONMENT, Beginning
from darlr.artifacts.files import PARTIAL_SUFFIX, reason
from darlr.artifacts.locks import is_locked, lock_soon
from darlr.errors import BusyError, InputError
from darlr.reading import without_waiting

LOCK = ".lock"


def lock_run(path: Path) -> IO[bytes]:
    """Make the folder and take its lock, which the system releases when the process ends, even if it is killed.

    Raises:
        InputError: if the place cannot be written, or the folder holds other files.
        BusyError: if another process works on the run.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(path)
        lock = open(path / LOCK, "ab", opener=without_waiting)  # noqa: SIM115 (it is held until the run is closed)
    except OSError as error:
        raise InputError(f"{path}: cannot be used as a run folder ({reason(path, error)})") from error
    try:
        locked = lock_soon(lock.fileno())
    except OSError as error:
        lock.close()
        raise InputError(f"{path}: cannot be locked ({error.strerror})") from error
    if not locked:
        lock.close()
        raise BusyError(f"{path}: another process is working on this run; wait for it to end")
    return lock


def in_work(path: Path) -> bool:
    """Return whether a process works on the run at `path`."""
    return is_locked(path / LOCK)


def _refuse_foreign(path: Path) -> None:
    """Refuse a folder that is neither a run nor the beginning of one, before anything is written there."""
    names = {entry.name for entry in path.iterdir()}
    own = {LOCK, ENVIRONMENT} if LOCK in names else set()
    strangers = sorted(name for name in names - own if not name.endswith(PARTIAL_SUFFIX))
    if strangers and Beginning(path).missing():
        raise InputError(f"{path}: holds other files ('{strangers[0]}') and is no darlr run; choose a new or empty folder")
