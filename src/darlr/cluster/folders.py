"""A folder that every node of a cluster writes to, and a mark in it by which a node is known to see the same one."""

import contextlib
import fcntl
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from darlr.artifacts.locks import is_locked
from darlr.errors import InputError

MARK = ".sees-"


@dataclass(frozen=True)
class SharedFolder:
    """A folder of results.

    Attributes:
        mark: a file in it that this process has locked.
        option: what names the folder on the command line.
    """

    mark: Path
    option: str

    @property
    def path(self) -> Path:
        return self.mark.parent

    def unseen(self, node: str) -> str:
        """What is said of a node that does not see it."""
        expected = f"expected one that all nodes share ({self.option})"
        return f"--ray: node {node} does not see the results folder {self.path}; {expected}"


@contextlib.contextmanager
def shared(folder: Path, option: str) -> Iterator[SharedFolder]:
    """Mark `folder` while the block runs, and clear away what killed processes left; `option` names it for people.

    A folder that is made for it and stays empty is removed again. Raises `InputError` where it cannot be used.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{MARK}*"):
            if not is_locked(old):
                old.unlink(missing_ok=True)
        mark = folder / f"{MARK}{uuid.uuid4().hex}"
        held = mark.open("xb")
    except OSError as error:
        raise InputError(f"{folder}: cannot be used for results ({error.strerror})") from error
    with held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            yield SharedFolder(mark, option)
        finally:
            mark.unlink(missing_ok=True)
            if made:
                with contextlib.suppress(OSError):
                    folder.rmdir()
