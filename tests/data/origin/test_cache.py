import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from darlr.data.origin.cache import MANIFEST, Cache, cache_directory
from darlr.errors import InputError, RunError

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
OLD = 1_600_000_000


def writer(log: list[str], text: str = "parsed") -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        log.append(text)
        (folder / "part").mkdir()
        (folder / "part" / "table").write_text(text)

    return build


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_cache_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DARLR_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_directory() == Path.home() / ".cache" / "darlr" / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "darlr" / "cache"
    monkeypatch.setenv("DARLR_CACHE", str(tmp_path / "mine"))
    assert cache_directory() == tmp_path / "mine"


def test_builds_once_and_keeps_entries_apart(cache: Cache) -> None:
    built: list[str] = []
    first = cache.obtain("rows", {"input": "a"}, writer(built))
    assert (first / "part" / "table").read_text() == "parsed"
    assert cache.obtain("rows", {"input": "a"}, writer(built)) == first
    assert cache.obtain("rows", {"input": "b"}, writer(built)) != first
    assert cache.obtain("others", {"input": "a"}, writer(built)) != first
    assert len(built) == 3


def test_tells_of_what_it_builds_and_of_nothing_else(tmp_path: Path) -> None:
    told: list[str] = []
    cache = Cache(tmp_path / "cache", told.append)
    for _ in range(2):
        cache.obtain("rows", {}, writer([]))
    assert told == [f"rows: made once, which takes a while for large files, and kept in {cache.folder}"]


def test_what_was_parsed_depends_on_the_files_and_the_version(cache: Cache, tmp_path: Path) -> None:
    file = tmp_path / "input"
    file.write_text("one")

    def parse(files: Mapping[str, Path], folder: Path) -> None:
        (folder / "copy").write_text(files["rows"].read_text())

    first, hashes = cache.parsed("reader", 1, {"rows": file}, parse)
    assert hashes == {"rows": cache.fingerprint(file)}
    assert cache.parsed("reader", 1, {"rows": file}, parse)[0] == first
    assert cache.parsed("reader", 2, {"rows": file}, parse)[0] != first
    file.write_text("two")
    assert (cache.parsed("reader", 1, {"rows": file}, parse)[0] / "copy").read_text() == "two"
    assert (first / "copy").read_text() == "one"


def test_a_file_that_changes_while_it_is_parsed_is_refused(cache: Cache, tmp_path: Path) -> None:
    file = tmp_path / "input"
    file.write_text("one")

    def parse(files: Mapping[str, Path], folder: Path) -> None:
        files["rows"].write_text("two")

    with pytest.raises(InputError, match="input: changed while it was read; try again when it is complete"):
        cache.parsed("reader", 1, {"rows": file}, parse)
    assert list((cache.folder / "reader").iterdir()) == []


def test_nothing_stays_of_a_failed_build(cache: Cache) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("written")
        raise InputError("line 3 is wrong")

    with pytest.raises(InputError, match="line 3"):
        cache.obtain("rows", {}, fail)
    assert list((cache.folder / "rows").iterdir()) == []


@pytest.mark.parametrize("damage", ["table", "shorter", "lost", "manifest", "manifest lost", "another key"])
def test_damaged_entries_are_rebuilt(cache: Cache, damage: str) -> None:
    built: list[str] = []
    entry = cache.obtain("rows", {"input": "a"}, writer(built))
    table, manifest = entry / "part" / "table", entry / MANIFEST
    match damage:
        case "table":
            table.write_text("PARSED")
        case "shorter":
            table.write_text("pars")
        case "lost":
            table.unlink()
        case "manifest":
            manifest.write_text(manifest.read_text()[:-5])
        case "manifest lost":
            manifest.unlink()
        case "another key":
            manifest.write_text(manifest.read_text().replace('"a"', '"b"'))
    assert cache.obtain("rows", {"input": "a"}, writer(built)) == entry
    assert table.read_text() == "parsed"
    assert len(built) == 2
    assert [path.name for path in entry.parent.iterdir()] == [entry.name]


def test_fingerprints_are_remembered_until_the_file_changes(cache: Cache, tmp_path: Path) -> None:
    file = tmp_path / "input"
    file.write_bytes(b"")
    assert cache.fingerprint(file) == EMPTY
    assert cache.fingerprint(file, "md5") == "d41d8cd98f00b204e9800998ecf8427e"
    file.write_bytes(b"changed")
    assert cache.fingerprint(file) != EMPTY
    assert not (cache.folder / "fingerprints").exists()  # it is too young: it may change within the clock's resolution


def test_an_old_file_is_not_read_again(cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "input"
    file.write_bytes(b"")
    monkeypatch.setattr("darlr.data.origin.cache.UNSETTLED", -1)
    assert cache.fingerprint(file) == EMPTY
    memory = next((cache.folder / "fingerprints").iterdir())
    memory.write_text(memory.read_text().replace(EMPTY, "f" * 64))
    assert cache.fingerprint(file) == "f" * 64
    os.utime(file, (OLD, OLD))
    assert cache.fingerprint(file) == EMPTY
    memory.write_text("[]")
    assert cache.fingerprint(file) == EMPTY


def test_refuses_what_cannot_be_read_or_written(cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: cannot be read \(No such file or directory\)$"):
        cache.fingerprint(tmp_path / "nowhere")
    cache.folder.write_text("a file, not a folder")
    with pytest.raises(RunError, match=r"cache/rows/[0-9a-f]{12}: cannot be written"):
        cache.obtain("rows", {}, writer([]))
