"""A cache of parsed and unpacked files, keyed by the fingerprints of their sources."""

import contextlib
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from darlr.artifacts.files import PARTIAL_SUFFIX, decode_json, encode_json, write_bytes
from darlr.config.loading import stable_hash
from darlr.errors import InputError, RunError
from darlr.reading import read_text

MANIFEST = "manifest.json"
UNSETTLED = 2_000_000_000  # nanoseconds: a file younger than this may change again without its time changing
Algorithm = Literal["sha256", "md5"]


def cache_directory() -> Path:
    """Return the folder of caches: the environment variable DARLR_CACHE, else `darlr/cache` in the user's cache folder."""
    if chosen := os.environ.get("DARLR_CACHE"):
        return Path(chosen).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "darlr" / "cache"


class Cache:
    """A folder of entries, each a folder of files that were made from other files and can be made again."""

    def __init__(self, folder: Path, notice: Callable[[str], None] = lambda text: None) -> None:
        """
        Args:
            folder: made together with the first entry.
            notice: is called with a line of text before slow work.
        """
        self.folder = folder
        self._notice = notice
        self._new: list[Path] = []
        self._archives: dict[Path, Path] = {}

    def fingerprint(self, path: Path, algorithm: Algorithm = "sha256") -> str:
        """Return the hexadecimal hash of a file's content.

        The hash is stored with the file's size and times, so a large file is read again only after it has changed.

        Raises:
            InputError: if the file cannot be read.
        """
        try:
            path = path.resolve()
            state = _state(path)
            memory = self.folder / "fingerprints" / f"{hashlib.sha256(str(path).encode()).hexdigest()}.json"
            remembered = _recall(memory)
            if remembered.get("state") != state:
                remembered = {"path": str(path), "state": state}
            if not isinstance(remembered.get(algorithm), str):
                with path.open("rb") as file:
                    remembered[algorithm] = hashlib.file_digest(file, algorithm).hexdigest()
                if _state(path) != state:
                    raise InputError(f"{path}: changed while it was read; try again when it is complete")
                if time.time_ns() - max(state[1:3]) > UNSETTLED:
                    with contextlib.suppress(RunError):  # a cache that cannot be written only costs time
                        write_bytes(memory, encode_json(remembered, str(memory)).encode())
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        return str(remembered[algorithm])

    def parsed(
        self, name: str, version: int, files: Mapping[str, Path], parse: Callable[[Mapping[str, Path], Path], None]
    ) -> tuple[Path, Mapping[str, str]]:
        """Return the folder that `parse` writes from the input `files`, and the files' SHA-256, both by name.

        Args:
            name: the reader's name.
            version: a number that changes with the format that the reader writes.
            files: the input files by name.
            parse: (files, folder) -> writes files into the folder; see `obtain`.

        Raises:
            InputError: if a file cannot be read, or changes while it is parsed; also the errors of `parse`.
            RunError: if the entry cannot be written.
        """
        hashes = {label: self.fingerprint(path) for label, path in files.items()}

        def build(folder: Path) -> None:
            parse(files, folder)
            for label, path in files.items():
                if self.fingerprint(path) != hashes[label]:
                    raise InputError(f"{path}: changed while it was read; try again when it is complete")

        return self.obtain(name, {"version": version, "files": hashes}, build), hashes

    def obtain(self, name: str, key: Mapping[str, Any], build: Callable[[Path], None]) -> Path:
        """Return the folder of the entry `key`; it is built first if it is absent, damaged or edited.

        Args:
            name: the owner of the entries; a folder of the cache.
            key: the values that the entry depends on: settings, versions, and fingerprints of its inputs.
            build: writes the entry's files into the given empty folder; if it raises, nothing is kept.

        Raises:
            RunError: if the entry cannot be written.
        """
        entry = self.folder / name / stable_hash(key)
        if not self._is_whole(entry, key):
            self._notice(f"{name}: made once, which takes a while for large files, and kept in {self.folder}")
            self._build(entry, key, build)
        return entry

    def unpacked(self, archive: Path, key: Mapping[str, Any], build: Callable[[Path], None]) -> Path:
        """Return the entry `key` of files extracted from an archive; see `obtain`."""
        place = self.obtain("unpacked", key, build)
        self._archives[place] = archive
        return place

    def as_packed(self, text: str) -> str:
        """Replace the names of the cache's folders in a message by their archives' names, which users know."""
        for place, archive in self._archives.items():
            text = text.replace(str(place), str(archive))
        return text

    def discard_new(self) -> None:
        """Remove the entries that were built through this object."""
        while self._new:
            shutil.rmtree(self._new.pop(), ignore_errors=True)

    def _is_whole(self, entry: Path, key: Mapping[str, Any]) -> bool:
        manifest = _recall(entry / MANIFEST)
        files = manifest.get("files")
        if manifest.get("key") != _plain(key) or not isinstance(files, dict):
            return False
        try:
            return all(self.fingerprint(entry / name) == sha256 for name, sha256 in files.items())
        except InputError:
            return False

    def _build(self, entry: Path, key: Mapping[str, Any], build: Callable[[Path], None]) -> None:
        unique = uuid.uuid4().hex
        partial = entry.with_name(f".{entry.name}.{unique}{PARTIAL_SUFFIX}")
        discarded = entry.with_name(f".{entry.name}.{unique}.discarded")
        try:
            partial.mkdir(parents=True)
            build(partial)
            files = sorted(str(path.relative_to(partial)) for path in partial.rglob("*") if path.is_file())
            manifest = {"key": _plain(key), "files": {name: self.fingerprint(partial / name) for name in files}}
            write_bytes(partial / MANIFEST, encode_json(manifest, str(entry / MANIFEST), indent=2).encode())
            if entry.exists():
                entry.rename(discarded)
            partial.rename(entry)
            self._new.append(entry)
        except OSError as error:
            # Another process may have built the same entry first.
            if not self._is_whole(entry, key):
                raise RunError(f"{entry}: cannot be written ({error.strerror or error})") from error
        finally:
            for leftover in (partial, discarded):
                shutil.rmtree(leftover, ignore_errors=True)


def _state(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _recall(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file of the cache; empty if there is none that can be used."""
    try:
        value = decode_json(read_text(path), str(path))
    except InputError:
        return {}
    return value if isinstance(value, dict) else {}


def _plain(key: Mapping[str, Any]) -> Any:
    """Return the key as it is read back from a manifest."""
    return decode_json(encode_json(dict(key), "cache key"), "cache key")
