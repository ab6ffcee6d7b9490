"""Extraction of single files from zip and tar archives of untrusted origin."""

import gzip
import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from darlr.artifacts.files import PARTIAL_SUFFIX
from darlr.errors import InputError, RunError

SUFFIXES = (".zip", ".tar.gz", ".tgz", ".tar")
BLOCK = 1 << 20
MOST_ENTRIES = 100_000
MOST_TIMES = 100
"""The largest factor by which an archive may grow when it is unpacked; text logs compress to a fifth or a twentieth."""
ALWAYS = 1 << 30  # bytes to which any archive may be unpacked
HEADER = 1 << 20  # largest number of bytes of a tar's header, which holds long names

Progress = Callable[[int, int], None]
"""A function of (bytes unpacked so far, all bytes)."""


@dataclass(frozen=True)
class Wanted:
    """The files to extract from an archive.

    Attributes:
        root: the folder inside the archive that holds the members; "" for its top.
        members: paths below `root`. If there is no such entry, the only entry whose path ends in the member's is used.
        extras: further members, which the archive may lack.
    """

    root: str
    members: Sequence[str]
    extras: Sequence[str] = ()


def unpack(archive: Path, wanted: Wanted, folder: Path, progress: Progress = lambda done, total: None) -> None:
    """Write the wanted files, and nothing else, below `folder`.

    Raises:
        InputError: if the archive is cut short, damaged or of another format, lacks a member, holds a link in its place, or
            has an entry that would lie outside the folder. Files written until then are left in `folder`.
        RunError: if a file cannot be written.
    """
    with _reading(archive):
        if _is_zip(archive):
            with zipfile.ZipFile(archive) as opened:
                _unpack_zip(opened, archive, wanted, folder, progress)
        else:
            with _opened_tar(archive) as opened_tar:
                _unpack_tar(opened_tar, archive, wanted, folder, progress)


def require_members(archive: Path, wanted: Wanted) -> None:
    """Raise `InputError` as `unpack` does, without writing anything."""
    with _reading(archive):
        if _is_zip(archive):
            with zipfile.ZipFile(archive) as opened:
                _chosen_of_zip(opened, archive, wanted)
        else:
            with _opened_tar(archive) as opened_tar:
                _choose(archive, _entries_of_tar(opened_tar, archive), wanted)


def _is_zip(archive: Path) -> bool:
    return _name(archive).endswith(".zip")


def _name(archive: Path) -> str:
    """Return the name that shows the archive's format, even while it is being downloaded."""
    return archive.name.lower().removesuffix(PARTIAL_SUFFIX)


def _most_bytes(archive: Path) -> int:
    """Return the number of bytes to which an archive may be unpacked."""
    return max(ALWAYS, MOST_TIMES * archive.stat().st_size)


@contextmanager
def _opened_tar(archive: Path) -> Iterator[tarfile.TarFile]:
    packed = _name(archive).endswith("gz")
    with gzip.open(archive) if packed else archive.open("rb") as stream:
        bounded = _Bounded(cast(IO[bytes], stream), archive)
        with tarfile.open(fileobj=bounded, mode="r:") as opened:  # type: ignore[call-overload]
            yield opened


class _Bounded:
    """A stream that is read in small parts, up to the size that its archive may hold."""

    def __init__(self, stream: IO[bytes], archive: Path) -> None:
        self._stream, self._archive = stream, archive
        self._most = _most_bytes(archive)
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int) -> bytes:
        if size > HEADER:
            raise InputError(f"{self._archive}: has a header of {size:,} bytes; expected the archive as published")
        if self._stream.tell() > self._most:
            raise _too_large(self._archive, self._most)
        return self._stream.read(size)


def _too_large(archive: Path, size: int) -> InputError:
    most = _most_bytes(archive)
    return InputError(f"{archive}: unpacks to {size:,} bytes or more; expected at most {most:,} of {archive.stat().st_size:,}")


@contextmanager
def _reading(archive: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, ValueError, LookupError, struct.error) as error:
        # zipfile and tarfile raise the last three for impossible names and numbers in their headers.
        raise InputError(
            f"{archive}: cut short, damaged or no archive ({_first_line(error)}; {archive.stat().st_size:,} bytes); "
            "delete it and get it again"
        ) from error
    except (RuntimeError, NotImplementedError) as error:  # zipfile: a password, or an unknown way of packing
        raise InputError(f"{archive}: cannot be unpacked ({error}); expected the archive as published") from error
    except OSError as error:
        # errors of gzip have no number; those of the system do
        if error.errno is None:
            raise InputError(f"{archive}: cut short or damaged ({error}); delete it and get it again") from error
        raise RunError(f"{archive}: cannot be unpacked ({error.strerror})") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0].rstrip(":") or type(error).__name__


def _unpack_zip(opened: zipfile.ZipFile, archive: Path, wanted: Wanted, folder: Path, progress: Progress) -> None:
    chosen = _chosen_of_zip(opened, archive, wanted)
    copy = _Copying(folder, sum(entry.file_size for entry in chosen.values()), progress)
    for member, entry in chosen.items():
        with opened.open(entry) as content:
            copy(content, member)


def _chosen_of_zip(opened: zipfile.ZipFile, archive: Path, wanted: Wanted) -> dict[str, zipfile.ZipInfo]:
    """Return the entry of each member that the archive has."""
    _require_few(archive, len(opened.infolist()))
    entries = {entry.filename: entry for entry in opened.infolist() if not entry.is_dir()}
    chosen = {member: entries[name] for member, name in _choose(archive, entries, wanted).items()}
    for entry in chosen.values():
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise InputError(f"{archive}: its entry '{entry.filename}' is a link; expected a file")
    if (size := sum(entry.file_size for entry in chosen.values())) > _most_bytes(archive):
        raise _too_large(archive, size)
    return chosen


def _require_few(archive: Path, entries: int) -> None:
    if entries > MOST_ENTRIES:
        raise InputError(f"{archive}: has {entries:,} entries or more; expected at most {MOST_ENTRIES:,}")


def _entries_of_tar(opened: tarfile.TarFile, archive: Path) -> dict[str, tarfile.TarInfo]:
    """Return the entries by name, without folders."""
    entries: dict[str, tarfile.TarInfo] = {}
    most, size = _most_bytes(archive), 0
    for number, entry in enumerate(opened, start=1):
        size += max(entry.size, 0)
        _require_few(archive, number)
        if size > most:
            raise _too_large(archive, size)
        if not entry.isdir():
            entries[entry.name] = entry
    return entries


def _unpack_tar(opened: tarfile.TarFile, archive: Path, wanted: Wanted, folder: Path, progress: Progress) -> None:
    entries = _entries_of_tar(opened, archive)
    chosen = _choose(archive, entries, wanted)
    copy = _Copying(folder, sum(entries[name].size for name in chosen.values()), progress)
    # In the archive's own order, because reading a compressed archive backwards means starting again.
    for member, name in sorted(chosen.items(), key=lambda pair: entries[pair[1]].offset):
        content = opened.extractfile(entries[name]) if entries[name].isreg() else None
        if content is None:
            raise InputError(f"{archive}: its entry '{name}' is a link or a device; expected a file")
        with content:
            copy(content, member)
    while opened.fileobj is not None and opened.fileobj.read(BLOCK):
        pass  # the checksum of a compressed stream is verified at its end


class _Copying:
    """Copies members into a folder and reports progress."""

    def __init__(self, folder: Path, total: int, progress: Progress) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if total > (free := shutil.disk_usage(folder).free):
            raise RunError(f"{folder}: {total:,} bytes are needed there; {free:,} are free")
        self._folder, self._total, self._progress = folder, total, progress
        self._done = 0

    def __call__(self, content: IO[bytes], member: str) -> None:
        target = self._folder / member
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            while block := content.read(BLOCK):
                file.write(block)
                self._done += len(block)
                self._progress(self._done, self._total)
            file.flush()
            os.fsync(file.fileno())


def _choose(archive: Path, entries: Mapping[str, object], wanted: Wanted) -> dict[str, str]:
    """Return the entry of each member, and of each extra that the archive has."""
    for name in entries:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
            raise InputError(f"{archive}: its entry '{name}' would lie outside the folder it is unpacked into; it is not used")
    chosen = {member: _entry(entries, wanted.root, member) for member in (*wanted.members, *wanted.extras)}
    missing = [member for member in wanted.members if not chosen[member]]
    if missing:
        raise InputError(f"{archive}: has no '{missing[0]}'; expected it in '{wanted.root or '.'}', as published")
    return {member: name for member, name in chosen.items() if name}


def _entry(entries: Mapping[str, object], root: str, member: str) -> str:
    """Return the name of a member's entry, or "" if there is none or the match is ambiguous."""
    exact = f"{root}/{member}" if root else member
    if exact in entries:
        return exact
    parts = PurePosixPath(member).parts
    alike = [name for name in entries if PurePosixPath(name).parts[-len(parts) :] == parts]
    return alike[0] if len(alike) == 1 else ""
