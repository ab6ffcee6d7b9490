"""What the owner of a data set publishes, and finding it in a folder: unpacked in some place, or the archive itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from darlr.data.origin.archives import SUFFIXES, Progress, Wanted, require_members, unpack
from darlr.data.origin.cache import Algorithm, Cache
from darlr.errors import InputError


@dataclass(frozen=True)
class Official:
    """One file that an owner publishes: an archive, or a plain file, which is then its own only member.

    Attributes:
        archive: its name, as it is downloaded.
        page: where it is published, for people.
        licence: under which it may be used.
        members: what is wanted of it, as paths below `root`.
        root: the folder inside the archive that the members lie in; "" for its top.
        url: where it can be downloaded; None if it may not be, or not by a program.
        instructions: in words, how to get it where `url` is None.
        extras: further members, which may be absent.
        aliases: other names that a member goes by where it lies unpacked, by member.
        size: bytes, if known; likewise `md5` and `sha256`, hexadecimal, "" if unknown.
        at_most: bytes that may come where `size` is not known.
        citation: the paper that its owner wants cited.
    """

    archive: str
    page: str
    licence: str
    members: tuple[str, ...]
    root: str = ""
    url: str | None = None
    instructions: str = ""
    extras: tuple[str, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    size: int | None = None
    md5: str = ""
    sha256: str = ""
    at_most: int = 16 << 30
    citation: str = ""

    @property
    def has_checksum(self) -> bool:
        return bool(self.sha256 or self.md5)

    @property
    def packed(self) -> bool:
        """Whether it has to be unpacked."""
        return self.archive.lower().endswith(SUFFIXES)

    @property
    def advice(self) -> str:
        """How to get it, as the end of a sentence that begins with 'get it'."""
        return self.instructions or f"from {self.page}"

    def places(self, folder: Path) -> tuple[Path, ...]:
        """Where the members may lie in a data set's folder: in itself, or below any end of the official layout."""
        parts = PurePosixPath(self.root).parts
        return (folder, *(folder.joinpath(*parts[start:]) for start in reversed(range(len(parts)))))

    def unpacked(self, folder: Path) -> Mapping[str, Path]:
        """The members that lie unpacked in the place that has most of them, extras included; path by member."""
        found = [self._lying_in(place) for place in self.places(folder)]
        return max(found, key=lambda paths: (sum(member in paths for member in self.members), len(paths)))

    def _lying_in(self, place: Path) -> Mapping[str, Path]:
        named = {
            member: [place / name for name in (member, *self.aliases.get(member, ()))] for member in self.members + self.extras
        }
        return {member: path for member, paths in named.items() for path in reversed(paths) if path.is_file()}

    def missing(self, folder: Path) -> tuple[str, ...]:
        """The members that can be had neither unpacked nor from the archive; opens no file."""
        found = self.unpacked(folder)
        if self.packed and (folder / self.archive).is_file():
            return ()
        return tuple(member for member in self.members if member not in found)


def locate(official: Official, folder: Path, cache: Cache, progress: Progress = lambda done, total: None) -> Mapping[str, Path]:
    """The path of every member and of the extras that there are, for a data set's folder.

    Files that lie unpacked go before the archive, which is unpacked into the cache; extras that do not lie there are taken from
    it. Its size and hashes are compared with the published ones.

    Raises:
        InputError: naming what is missing and where to get it, or the archive that is cut short, damaged or another version.
        RunError: if the cache cannot be written.
    """
    found = official.unpacked(folder)
    archive = folder / official.archive
    complete = all(member in found for member in official.members)
    if official.packed and archive.is_file() and not (complete and all(extra in found for extra in official.extras)):
        verify(official, archive, cache)
        wanted = Wanted(official.root, official.members, official.extras)
        key = {"sha256": cache.fingerprint(archive), "wanted": vars(wanted)}
        place = cache.unpacked(archive, key, lambda target: unpack(archive, wanted, target, progress))
        packed = {member: place / member for member in official.members + official.extras if (place / member).is_file()}
        return {**packed, **found} if complete else packed
    if complete:
        return found
    missing = ", ".join(official.missing(folder))
    raise InputError(f"{missing} missing in {folder}; get {official.archive} {official.advice} and put it there")


def verify(official: Official, file: Path, cache: Cache) -> None:
    """Compare a downloaded file with what is published of it.

    Raises:
        InputError: naming the file, what was found and what was expected.
    """
    if wrong := difference(official, file, cache.fingerprint):
        raise InputError(f"{file}: {wrong}; delete it and get it {official.advice}")


def difference(official: Official, file: Path, fingerprint: Callable[[Path, Algorithm], str]) -> str | None:
    """In what a file differs from what is published of it, in words; None if in nothing that is known.

    `fingerprint` gives a file's hexadecimal hash.
    """
    size = file.stat().st_size
    if official.size is not None and size != official.size:
        what = "it is cut short" if size < official.size else "it is another version"
        return f"{size:,} bytes; expected {official.size:,}: {what}"
    known: tuple[tuple[Algorithm, str, str], ...] = (("sha256", "SHA-256", official.sha256), ("md5", "MD5", official.md5))
    for algorithm, name, expected in known:
        if expected and (found := fingerprint(file, algorithm)) != expected:
            return f"{name} is {found}; expected {expected}: it is damaged or another version"
    return None


def require_content(official: Official, file: Path) -> None:
    """Raise `InputError` for a file whose content cannot be the published one; for files that no checksum vouches for."""
    if official.packed:
        require_members(file, Wanted(official.root, official.members, official.extras))
        return
    with file.open("rb") as opened:
        beginning = opened.read(512).lstrip().lower()
    if not beginning:
        raise InputError(f"{file}: the file is empty")
    if beginning.startswith((b"<!doctype html", b"<html", b"<?xml")):
        raise InputError(f"{file}: is a web page; expected the file that is published on {official.page}")
