"""A fit's checkpoint on disk, next to the future file of the world model."""

import time
from pathlib import Path
from typing import Any

from torch import Tensor

from darlr.artifacts.tensors import read_tensors, write_tensors
from darlr.errors import RunError

SECONDS_BETWEEN = 30.0
"""The largest part of a fit that can be lost, besides its current round."""


class StoredCheckpoint:
    """Stores the state of an unfinished fit; its user has to hold the lock of the world model at `model`."""

    def __init__(self, model: Path) -> None:
        self.path = model.with_name(f"{model.name}.checkpoint")
        self._last = time.monotonic()

    def __str__(self) -> str:
        return str(self.path)

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return the last saved state, by this process or another.

        Raises:
            InputError: for a damaged file.
        """
        return read_tensors(self.path) if self.path.is_file() else None

    def due(self) -> bool:
        """Return whether `SECONDS_BETWEEN` have passed since the last save, or since the beginning."""
        return time.monotonic() - self._last >= SECONDS_BETWEEN

    def save(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Replace the saved state.

        Raises:
            RunError: if the file cannot be written.
        """
        write_tensors(self.path, tensors, state)
        self._last = time.monotonic()

    def remove(self) -> None:
        """Delete the file, if there is one, because the fit is done."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{self.path}: cannot be deleted ({error.strerror})") from error
