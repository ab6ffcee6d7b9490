"""A fit's checkpoint on disk, beside the world model that the fit is going to write."""

import time
from pathlib import Path
from typing import Any

from torch import Tensor

from darlr.artifacts.tensors import read_tensors, write_tensors
from darlr.errors import RunError

SECONDS_BETWEEN = 30.0
"""How much of a fit is lost at most, but for the round that it was in."""


class StoredCheckpoint:
    """Keeps the state of an unfinished fit; whoever uses it holds the lock of the world model at `model`."""

    def __init__(self, model: Path) -> None:
        self.path = model.with_name(f"{model.name}.checkpoint")
        self._last = time.monotonic()

    def __str__(self) -> str:
        return str(self.path)

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """What was saved last, by this process or another; raises `InputError` for a damaged file."""
        return read_tensors(self.path) if self.path.is_file() else None

    def due(self) -> bool:
        """Whether `SECONDS_BETWEEN` have passed since the last time, or since the beginning."""
        return time.monotonic() - self._last >= SECONDS_BETWEEN

    def save(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Replace what was saved; raises `RunError` where that is impossible."""
        write_tensors(self.path, tensors, state)
        self._last = time.monotonic()

    def remove(self) -> None:
        """Delete the file, if there is one: the fit is done."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{self.path}: cannot be deleted ({error.strerror})") from error
