"""The files that the owner of a data set publishes, and the search for them in a folder, unpacked or as an archive."""

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
        page: the web page that publishes it.
        licence: the licence of its use.
        members: the wanted files, as paths below `root`.
        root: the folder inside the archive that holds the members; "" for its top.
        url: its address; None if it may not be downloaded, or not by a program.
        instructions: in words, how to get it if `url` is None.
        extras: further members, which may be absent.
        aliases: other names of unpacked members, by member.
        size: bytes, if known.
        md5, sha256: hexadecimal; "" if unknown.
        at_most: largest number of bytes to accept if `size` is not known.
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
        """Whether a checksum was published."""
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
        """Return the folders that may hold the members: the data set's folder, and those below it of the official layout."""
        parts = PurePosixPath(self.root).parts
        return (folder, *(folder.joinpath(*parts[start:]) for start in reversed(range(len(parts)))))

    def unpacked(self, folder: Path) -> Mapping[str, Path]:
        """Return the unpacked members, extras included, in the folder that has most of them; path by member."""
        found = [self._lying_in(place) for place in self.places(folder)]
        return max(found, key=lambda paths: (sum(member in paths for member in self.members), len(paths)))

    def _lying_in(self, place: Path) -> Mapping[str, Path]:
        named = {
            member: [place / name for name in (member, *self.aliases.get(member, ()))] for member in self.members + self.extras
        }
        return {member: path for member, paths in named.items() for path in reversed(paths) if path.is_file()}

    def missing(self, folder: Path) -> tuple[str, ...]:
        """Return the members that are available neither unpacked nor from the archive; opens no file."""
        found = self.unpacked(folder)
        if self.packed and (folder / self.archive).is_file():
            return ()
        return tuple(member for member in self.members if member not in found)


def locate(official: Official, folder: Path, cache: Cache, progress: Progress = lambda done, total: None) -> Mapping[str, Path]:
    """Return the path of every member and of the available extras, for a data set's folder.

    Unpacked files take precedence over the archive, which is unpacked into the cache; extras that do not lie there are
    taken from it. The archive's size and hashes are compared with the published ones.

    Args:
        official: the published file.
        folder: the data set's folder.
        cache: the cache.
        progress: is called while the archive is unpacked.

    Raises:
        InputError: naming the missing file and where to get it, or the archive that is cut short, damaged or another version.
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
    """Compare a downloaded file with the published size and checksums.

    Raises:
        InputError: naming the file, its value and the expected value.
    """
    if wrong := difference(official, file, cache.fingerprint):
        raise InputError(f"{file}: {wrong}; delete it and get it {official.advice}")


def difference(official: Official, file: Path, fingerprint: Callable[[Path, Algorithm], str]) -> str | None:
    """Describe how a file differs from the published size and checksums; None if it does not.

    Args:
        official: the published file.
        file: the file.
        fingerprint: returns a file's hexadecimal hash.
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
    """Raise `InputError` for a file whose content cannot be the published one; used for files without a checksum."""
    if official.packed:
        require_members(file, Wanted(official.root, official.members, official.extras))
        return
    with file.open("rb") as opened:
        beginning = opened.read(512).lstrip().lower()
    if not beginning:
        raise InputError(f"{file}: the file is empty")
    if beginning.startswith((b"<!doctype html", b"<html", b"<?xml")):
        raise InputError(f"{file}: is a web page; expected the file that is published on {official.page}")
