"""Taking single files out of a zip or tar archive that somebody else made."""

import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from darlr.errors import InputError, RunError

SUFFIXES = (".zip", ".tar.gz", ".tgz", ".tar")
BLOCK = 1 << 20

Progress = Callable[[int, int], None]
"""Told the bytes unpacked so far, and of how many."""


@dataclass(frozen=True)
class Wanted:
    """What is taken out of an archive.

    Attributes:
        root: the folder inside the archive that the members lie in; "" for its top.
        members: paths below `root`; where there is no such entry, the one entry whose path ends in the member's is meant.
        extras: likewise, but the archive may lack them.
    """

    root: str
    members: Sequence[str]
    extras: Sequence[str] = ()


def unpack(archive: Path, wanted: Wanted, folder: Path, progress: Progress = lambda done, total: None) -> None:
    """Write what is wanted, and nothing else, below `folder`.

    Raises:
        InputError: if the archive is cut short, damaged or no archive, lacks a member, holds a link in its place, or has an
            entry that would lie outside the folder it is unpacked into. Files written until then are left in `folder`.
        RunError: if a file cannot be written.
    """
    with _reading(archive):
        if archive.name.lower().endswith(".zip"):
            with zipfile.ZipFile(archive) as opened:
                _unpack_zip(opened, archive, wanted, folder, progress)
        else:
            with tarfile.open(archive) as opened_tar:
                _unpack_tar(opened_tar, archive, wanted, folder, progress)


@contextmanager
def _reading(archive: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error) as error:
        raise InputError(
            f"{archive}: cut short, damaged or no archive ({_first_line(error)}; {archive.stat().st_size:,} bytes); "
            "delete it and get it again"
        ) from error
    except (RuntimeError, NotImplementedError) as error:  # zipfile: a password, or an unknown way of packing
        raise InputError(f"{archive}: cannot be unpacked ({error}); expected the archive as published") from error
    except OSError as error:
        # gzip's own complaints have no number; the system's do.
        if error.errno is None:
            raise InputError(f"{archive}: cut short or damaged ({error}); delete it and get it again") from error
        raise RunError(f"{archive}: cannot be unpacked ({error.strerror})") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0].rstrip(":") or type(error).__name__


def _unpack_zip(opened: zipfile.ZipFile, archive: Path, wanted: Wanted, folder: Path, progress: Progress) -> None:
    entries = {entry.filename: entry for entry in opened.infolist() if not entry.is_dir()}
    chosen = _choose(archive, entries, wanted)
    for name in chosen.values():
        if stat.S_ISLNK(entries[name].external_attr >> 16):
            raise InputError(f"{archive}: its entry '{name}' is a link; expected a file")
    copy = _Copying(folder, sum(entries[name].file_size for name in chosen.values()), progress)
    for member, name in chosen.items():
        with opened.open(name) as content:
            copy(content, member)


def _unpack_tar(opened: tarfile.TarFile, archive: Path, wanted: Wanted, folder: Path, progress: Progress) -> None:
    entries = {entry.name: entry for entry in opened if not entry.isdir()}
    chosen = _choose(archive, entries, wanted)
    copy = _Copying(folder, sum(entries[name].size for name in chosen.values()), progress)
    # In the archive's own order: a compressed one cannot be read backwards without starting again.
    for member, name in sorted(chosen.items(), key=lambda pair: entries[pair[1]].offset):
        content = opened.extractfile(entries[name]) if entries[name].isreg() else None
        if content is None:
            raise InputError(f"{archive}: its entry '{name}' is a link or a device; expected a file")
        with content:
            copy(content, member)
    while opened.fileobj is not None and opened.fileobj.read(BLOCK):
        pass  # the checksum of a compressed stream is compared at its end


class _Copying:
    """Copies members into a folder and tells how far that is."""

    def __init__(self, folder: Path, total: int, progress: Progress) -> None:
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
    """The entry of each member, and of each extra that the archive has."""
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
    """The name of a member's entry, "" where there is none or more than one might be meant."""
    exact = f"{root}/{member}" if root else member
    if exact in entries:
        return exact
    parts = PurePosixPath(member).parts
    alike = [name for name in entries if PurePosixPath(name).parts[-len(parts) :] == parts]
    return alike[0] if len(alike) == 1 else ""
