"""A pointer: a small file beside the runs that names the run that serves now, and those that served before.

A pointer written by hand may be a single line: the run's path, relative to the pointer's folder.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from os.path import relpath
from pathlib import Path
from typing import Any, Self

from darlr.artifacts.files import decode_json, encode_json, write_bytes
from darlr.artifacts.schema import Keys, flag, list_of, require, text
from darlr.artifacts.sealing import sealed, unsealed
from darlr.errors import InputError
from darlr.reading import read_text

SHAPE = Keys(
    {"history": list_of(Keys({"run": text, "fingerprint": text, "at": text, "why": text, "forced": flag}))}, {"checksum": text}
)

BY_HAND = "written by hand"
"""The reason recorded for a pointer that darlr did not write."""


@dataclass(frozen=True)
class Move:
    """One move of a pointer.

    Attributes:
        run: the run folder, relative to the pointer's own folder, so that the tree of runs can be moved.
        fingerprint: the fingerprint of the run's learned parameters.
        at: the time, in ISO 8601, UTC.
        why: the judge's finding, or the note of the person who forced the move.
        forced: whether the move was made without a judge.
    """

    run: str
    fingerprint: str
    at: str
    why: str
    forced: bool


@dataclass(frozen=True)
class Pointer:
    """A pointer on disk.

    Attributes:
        path: its file.
        history: its moves, oldest first; the pointer points to the run of the last one.
    """

    path: Path
    history: tuple[Move, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the pointer at `path`; without a file there, the pointer has no moves.

        Raises:
            InputError: if the file is not a pointer.
        """
        if path.is_dir():
            raise InputError(f"{path}: is a folder; expected a pointer, as `darlr promote` writes it, or a new name")
        if not path.exists():
            return cls(path, ())
        written = read_text(path).strip()
        if not written.startswith("{"):
            if not written or "\n" in written or not (path.parent / written).is_dir():
                raise InputError(f"{path}: is neither a run folder nor a pointer to one")
            return cls(path, (Move(written, "", "", BY_HAND, forced=True),))
        values: Any = decode_json(written, str(path))
        if not isinstance(values, Mapping) or not values.get("history"):
            raise InputError(f"{path}: is neither a run folder nor a pointer to one")
        require(values, SHAPE, str(path))
        return cls(path, tuple(Move(**move) for move in unsealed(values, str(path))["history"]))

    @property
    def run(self) -> Path | None:
        """The run folder that the pointer names; None before the first move.

        Raises:
            InputError: if that folder is no longer a run.
        """
        if not self.history:
            return None
        run = self.path.parent / self.history[-1].run
        if not run.is_dir():
            raise InputError(f"{self.path}: points to {run}, which is no run folder; expected it to be put back")
        return run

    def moved(self, run: Path, fingerprint: str, at: str, why: str, forced: bool) -> Self:
        """Point to `run`. The move is on disk when this returns; a reader finds either the former state or this one, whole."""
        place = relpath(run.resolve(), self.path.parent.resolve())
        pointer = type(self)(self.path, (*self.history, Move(place, fingerprint, at, why, forced)))
        values = sealed({"history": [asdict(move) for move in pointer.history]})
        write_bytes(self.path, encode_json(values, str(self.path), indent=2).encode())
        return pointer


def pointed(path: Path) -> Path:
    """Return the run folder that `path` means: the folder itself, or the target of a pointer."""
    if not path.is_file():
        return path
    return Pointer.read(path).run or path
