"""The lock of a run's folder: one process at a time works on a run, and never in a folder with foreign files."""

import fcntl
from pathlib import Path
from typing import IO

from darlr.artifacts.beginning import ENVIRONMENT, Beginning
from darlr.artifacts.files import PARTIAL_SUFFIX
from darlr.artifacts.locks import is_locked
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
        raise InputError(f"{path}: cannot be used as a run folder ({_refusal(path, error)})") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        if isinstance(error, BlockingIOError):
            raise BusyError(f"{path}: another process is working on this run; wait for it to end") from error
        raise InputError(f"{path}: cannot be locked ({error.strerror})") from error
    return lock


def _refusal(path: Path, error: OSError) -> str:
    """Say why the folder `path` cannot be made or used; some file systems report "no such file" for a place that cannot be
    written.
    """
    if not isinstance(error, FileNotFoundError):
        return str(error.strerror)
    place = next(parent for parent in path.absolute().parents if parent.is_dir())
    return f"nothing can be made in {place}"


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
