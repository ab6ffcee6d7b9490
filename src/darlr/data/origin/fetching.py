"""Download of a published file: the whole, verified file under its name, or nothing.

An unfinished download is kept aside, and the next try continues it.
"""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Protocol

from darlr.data.origin.cache import Algorithm, Cache
from darlr.data.origin.official import Official, difference, require_content, verify
from darlr.data.origin.partial import Origin, PartialFile
from darlr.data.origin.transfer import BrokenTransferError, RangeRefusedError, Reply, request
from darlr.errors import InputError, RunError
from darlr.reading import open_file


class FetchMonitor(Protocol):
    """Is told about a download's progress."""

    def received(self, done: int, total: int | None) -> None:
        """Called when `done` of `total` bytes have arrived; `total` is None if it is unknown."""

    def notice(self, text: str) -> None:
        """Called with a line for the user, for example when a connection was lost and is tried again."""


@dataclass(frozen=True)
class Patience:
    """When to give up.

    Attributes:
        tries: number of tries in a row that may fail without any progress.
        timeout: seconds for which a server may be silent.
        pause: seconds before the second try; doubled before each further one.
        longest_pause: seconds; a server that asks for more is given up.
    """

    tries: int = 5
    timeout: float = 30.0
    pause: float = 1.0
    longest_pause: float = 60.0


def fetch_file(official: Official, folder: Path, cache: Cache, monitor: FetchMonitor, patience: Patience | None = None) -> bool:
    """Download a published file into `folder`, unless it is there already; return whether it was downloaded.

    In both cases the file is compared with the published size and checksums.

    Args:
        official: the published file.
        folder: the folder.
        cache: stores fingerprints.
        monitor: is told about progress.
        patience: when to give up.

    Raises:
        InputError: if a program may not download it, another file has its name, or the folder cannot be written to.
        RunError: if the download fails, naming its address; the bytes received are kept for the next call.
    """
    path = folder / official.archive
    if path.exists():
        open_file(path).close()  # opening a pipe would wait for a writer
        verify(official, path, cache)
        if (wrong := _unlike(official, path)) is not None:
            raise InputError(wrong)
        return False
    if official.url is None:
        raise InputError(f"{path}: no such file, and it may not be downloaded by a program; get it {official.advice}")
    with PartialFile(path) as partial:
        _complete(_Wanted(official.url, official), partial, monitor, patience or Patience())
        partial.finish()
    return True


@dataclass(frozen=True)
class _Wanted:
    """The file to download: `official`, which is at `url`."""

    url: str
    official: Official

    def size(self, origin: Origin) -> int | None:
        """Return the expected number of bytes: the published one, else the server's."""
        return self.official.size if self.official.size is not None else origin.total


def _complete(wanted: _Wanted, partial: PartialFile, monitor: FetchMonitor, patience: Patience) -> None:
    """Try until the partial file is complete and correct, or patience is at an end."""
    furthest, failed, damaged = partial.length, 0, False
    while True:
        try:
            _try(wanted, partial, monitor, patience.timeout)
        except BrokenTransferError as error:
            failed = 1 if partial.length > furthest else failed + 1
            furthest = max(furthest, partial.length)
            _wait(wanted.url, error, failed, partial.length, monitor, patience)
            continue
        wrong = difference(wanted.official, partial.path, _fingerprint) or _unlike(wanted.official, partial.path)
        if wrong is None:
            return
        partial.drop()
        if damaged:
            raise RunError(f"{wanted.url}: what came, twice, is not what was published: {wrong}")
        monitor.notice(f"what came is not what was published: {wrong}; downloading it once more from the start")
        damaged, furthest, failed = True, 0, 0


def _unlike(official: Official, file: Path) -> str | None:
    """Say why a file without a published checksum cannot be the published one; None if it may be."""
    if official.has_checksum:
        return None
    try:
        require_content(official, file)
    except InputError as error:
        return str(error)
    return None


def _wait(url: str, error: BrokenTransferError, failed: int, kept: int, monitor: FetchMonitor, patience: Patience) -> None:
    later = f"; the {kept:,} bytes received are kept, and the same command goes on from there" if kept else ""
    if failed >= patience.tries:
        raise RunError(f"{url}: {error}, {failed} tries in a row{later}") from error
    pause = min(patience.pause * 2 ** (failed - 1), patience.longest_pause) if error.pause is None else error.pause
    if pause > patience.longest_pause:
        raise RunError(f"{url}: {error}, and asks to be left alone for {pause:,.0f} s{later}") from error
    monitor.notice(f"{error}; trying again in {pause:.0f} s")
    sleep(pause)


def _try(wanted: _Wanted, partial: PartialFile, monitor: FetchMonitor, timeout: float) -> None:
    """Request the missing bytes and append them; return when the file has its full length."""
    origin, start = _resumable(wanted, partial)
    if start and start == wanted.size(origin):
        return
    try:
        with request(wanted.url, start, origin.validator, timeout) as reply:
            _receive(wanted, reply, partial, monitor)
    except RangeRefusedError:
        with request(wanted.url, 0, None, timeout) as reply:
            _receive(wanted, reply, partial, monitor)


def _resumable(wanted: _Wanted, partial: PartialFile) -> tuple[Origin, int]:
    """Return the origin of the bytes at hand, and the byte from which to continue.

    The bytes are of use if the server can tell whether they still belong to its version, or if there is a checksum.
    """
    nothing = Origin(wanted.url, None, None), 0
    origin, length = partial.origin(), partial.length
    if origin is None or origin.url != wanted.url or (origin.validator is None and not wanted.official.has_checksum):
        return nothing
    size = wanted.size(origin)
    return nothing if size is not None and length > size else (origin, length)


def _receive(wanted: _Wanted, reply: Reply, partial: PartialFile, monitor: FetchMonitor) -> None:
    url, size = wanted.url, wanted.official.size
    if size is not None and reply.total is not None and reply.total != size:
        raise RunError(f"{url}: the server offers {reply.total:,} bytes; expected {size:,}")
    if not reply.ends and size is None and not wanted.official.has_checksum:
        raise RunError(f"{url}: the server does not say how long the file is, so nobody can tell whether all of it came")
    came = Origin(url, reply.validator, reply.total)
    total = wanted.size(came)
    most = wanted.official.at_most if size is None else size
    if (total or 0) > most:
        raise RunError(f"{url}: the server offers {total:,} bytes; expected at most {most:,}")
    _require_space(partial.path.parent, (total or 0) - partial.length)
    if reply.start == 0:
        partial.start_afresh(came)
    elif _differ(partial.origin(), came):
        partial.drop()
        raise BrokenTransferError("the file has changed on the server since its first part was received")
    monitor.received(partial.length, total)
    for chunk in reply.chunks():
        partial.append(chunk)
        monitor.received(partial.length, total)
        if total is not None and partial.length > total:
            break  # the checks of the finished file report it
        if partial.length > most:
            partial.drop()
            raise RunError(f"{url}: more than {most:,} bytes came, and no end; expected at most that many")
    if total is not None and partial.length < total:
        raise BrokenTransferError(f"the connection was lost after {partial.length:,} of {total:,} bytes")


def _differ(held: Origin | None, came: Origin) -> bool:
    """Return whether two answers are known to be of different versions."""
    pairs = ((held.validator, came.validator), (held.total, came.total)) if held is not None else ()
    return any(one is not None and other is not None and one != other for one, other in pairs)


def _require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise RunError(f"{folder}: {needed:,} bytes are needed there; {free:,} are free")


def _fingerprint(path: Path, algorithm: Algorithm) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
