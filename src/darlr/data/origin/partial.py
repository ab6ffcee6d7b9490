"""A file that is being downloaded: its bytes lie next to its final place, under another name, until it is complete."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from darlr.artifacts.files import PARTIAL_SUFFIX, publish, reason, write_bytes
from darlr.artifacts.locks import let_go, take
from darlr.errors import InputError, RunError
from darlr.reading import without_waiting


@dataclass(frozen=True)
class Origin:
    """The published version that the bytes of a partial file belong to.

    Attributes:
        url: its address.
        validator: the version's name in HTTP; None if the server gave none.
        total: bytes of the whole file; None if unknown.
    """

    url: str
    validator: str | None
    total: int | None


class PartialFile:
    """`NAME.partial`, and `NAME.partial.json` with its `Origin`, both kept for a later try; one process at a time.

    Raises:
        InputError: if the folder cannot be made or written to, or another process downloads the same file.
        RunError: if the disk refuses a write.
    """

    def __init__(self, final: Path) -> None:
        self.final = final
        self.path = final.with_name(final.name + PARTIAL_SUFFIX)
        self._origin_path = self.path.with_name(self.path.name + ".json")
        self._lock_path = self.path.with_name(self.path.name + ".lock")

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = take(self._lock_path)
        except OSError as error:
            raise InputError(f"{self.path.parent}: cannot be written to ({reason(self.path, error)})") from error
        if lock is None:
            raise InputError(f"{self.path}: another process is downloading this file; wait for it to end")
        self._lock = lock
        try:
            # Without a buffer, closing writes nothing, so it cannot fail on a full disk.
            self._file = open(self.path, "ab", buffering=0, opener=without_waiting)
        except OSError as error:
            let_go(self._lock_path, lock)
            raise InputError(f"{self.path.parent}: cannot be written to ({reason(self.path, error)})") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        if self.path.is_file() and self.path.stat().st_size == 0:
            self._forget()
        let_go(self._lock_path, self._lock)

    @property
    def length(self) -> int:
        """The number of bytes at hand."""
        return os.fstat(self._file.fileno()).st_size

    def origin(self) -> Origin | None:
        """Return the origin of the bytes; None if it is not known, so that they are of no use."""
        try:
            origin = Origin(**json.loads(self._origin_path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        readable = isinstance(origin.validator, str | None) and isinstance(origin.total, int | None)
        return origin if readable else None

    def start_afresh(self, origin: Origin) -> None:
        """Drop the bytes at hand; those to come belong to `origin`."""
        self.drop()
        write_bytes(self._origin_path, json.dumps(asdict(origin)).encode())

    def append(self, content: bytes) -> None:
        """Append bytes."""
        rest = memoryview(content)
        with _writing(self.path):
            while rest:
                rest = rest[self._file.write(rest) :]

    def drop(self) -> None:
        """Drop the bytes and their origin."""
        with _writing(self.path):
            self._origin_path.unlink(missing_ok=True)
            self._file.truncate(0)

    def finish(self) -> None:
        """Rename the complete file to its final name."""
        with _writing(self.final):
            os.fsync(self._file.fileno())
            self._file.close()  # Windows renames no open file
            publish(self.path, self.final)
            self._origin_path.unlink(missing_ok=True)

    def _forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self._origin_path.unlink(missing_ok=True)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({reason(path, error)})") from error
