"""A folder that every node of a cluster writes to. A marker file in it shows whether a node sees the same folder."""

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from darlr.artifacts.locks import is_locked, let_go, take
from darlr.errors import InputError

MARK = ".sees-"


@dataclass(frozen=True)
class SharedFolder:
    """A folder of results.

    Attributes:
        mark: a file in the folder that this process has locked.
        option: the command-line option that names the folder.
    """

    mark: Path
    option: str

    @property
    def path(self) -> Path:
        """The folder."""
        return self.mark.parent

    def unseen(self, node: str) -> str:
        """The message for a node that does not see the folder."""
        expected = f"expected one that all nodes share ({self.option})"
        return f"--ray: node {node} does not see the results folder {self.path}; {expected}"


@contextlib.contextmanager
def shared(folder: Path, option: str) -> Iterator[SharedFolder]:
    """Mark `folder` while the block runs, and remove the markers of killed processes.

    A folder that is created for this purpose and stays empty is removed again.

    Args:
        folder: a folder of results.
        option: the command-line option that names it, for messages.

    Raises:
        InputError: if the folder cannot be used.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{MARK}*"):
            if not is_locked(old):
                old.unlink(missing_ok=True)
        mark = folder / f"{MARK}{uuid.uuid4().hex}"
        held = take(mark)
    except OSError as error:
        raise InputError(f"{folder}: cannot be used for results ({error.strerror})") from error
    if held is None:
        raise InputError(f"{mark}: another process holds its lock; expected a folder on a file system that can lock files")
    try:
        yield SharedFolder(mark, option)
    finally:
        let_go(mark, held)
        if made:
            with contextlib.suppress(OSError):
                folder.rmdir()
