"""Small archives that unpack to large files."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from darlr.data.origin import archives
from darlr.data.origin.archives import Wanted, require_members, unpack
from darlr.errors import InputError, RunError

WANTED = Wanted("", ("log.csv",))
ZEROS = bytes(1 << 20)


def tar_of(entries: dict[str, bytes], **headers: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as packed:
        for name, value in entries.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.pax_headers = len(value), headers
            packed.addfile(entry, io.BytesIO(value))
    return content.getvalue()


def write_zip(path: Path, entries: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, value in entries.items():
            packed.writestr(name, value)


def write_misnamed_zip(path: Path) -> None:
    """Write a name that is not UTF-8 text, although the entry claims that it is."""
    write_zip(path, {"log.csv": b"a\n", "\u00e9.csv": b"a\n"})
    path.write_bytes(path.read_bytes().replace("\u00e9".encode(), b"\xcc("))


def write_nameless_zip(path: Path) -> None:
    """An entry whose name ends before its first letter."""
    write_zip(path, {"log.csv": b"a\n", "x.csv": b"a\n"})
    path.write_bytes(path.read_bytes().replace(b"x.csv", b"\0.csv"))


MANY = {f"{number}.csv": b"" for number in range(40)} | {"log.csv": b"a\n"}
BOMBS: list[tuple[str, Callable[[Path], object], str]] = [
    (
        "a.zip",
        lambda path: write_zip(path, {"log.csv": ZEROS}),
        "unpacks to 1,048,576 bytes or more; expected at most 200,000 of",
    ),
    ("a.zip", lambda path: write_zip(path, MANY), "has 41 entries or more; expected at most 30"),
    (
        "a.tar.gz",
        lambda path: path.write_bytes(gzip.compress(tar_of({"log.csv": ZEROS}))),
        "unpacks to 1,048,576 bytes or more; expected at most 200,000 of",
    ),
    (
        "a.tgz",
        lambda path: path.write_bytes(gzip.compress(tar_of({"other": ZEROS, "log.csv": b"a\n"}))),
        "unpacks to 1,048,576 bytes or more",
    ),
    ("a.tar.gz", lambda path: path.write_bytes(gzip.compress(tar_of(MANY))), "has 31 entries or more; expected at most 30"),
    (
        "a.tar.gz",
        lambda path: path.write_bytes(gzip.compress(tar_of({"log.csv": b"a\n"}, comment="x" * (1 << 21)))),
        "has a header of 2,0",
    ),
    (
        "a.tar.gz",
        lambda path: path.write_bytes(gzip.compress(tar_of({"log.csv": b"a\n"}) + ZEROS * 4)),
        "unpacks to ",
    ),
    (
        "a.tar.gz",
        lambda path: path.write_bytes(gzip.compress(b"<html>log in</html>", mtime=0)),
        "cut short, damaged or no archive",
    ),
    ("a.zip", lambda path: path.write_bytes(b"<html>log in</html>"), "cut short, damaged or no archive"),
    ("a.zip", write_nameless_zip, "cut short, damaged or no archive"),
    ("a.zip", write_misnamed_zip, "cut short, damaged or no archive ('utf-8' codec can't decode"),
    ("a.zip", lambda path: write_zip(path, {"others.csv": b"a\n"}), "has no 'log.csv'; expected it in '.', as published"),
]


@pytest.mark.parametrize(("name", "write", "message"), BOMBS, ids=[str(number) for number in range(len(BOMBS))])
def test_bombs_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, write: Callable[[Path], object], message: str
) -> None:
    monkeypatch.setattr(archives, "ALWAYS", 200_000)
    monkeypatch.setattr(archives, "MOST_ENTRIES", 30)
    write(tmp_path / name)
    with pytest.raises(InputError) as refused:
        unpack(tmp_path / name, WANTED, tmp_path / "there")
    assert message in str(refused.value)
    assert not (tmp_path / "there" / "log.csv").exists() or message == "unpacks to "  # told at the stream's end


def test_nothing_is_unpacked_where_the_disk_has_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_zip(tmp_path / "a.zip", {"log.csv": b"a" * 100})
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 99}))
    with pytest.raises(RunError, match="100 bytes are needed there; 99 are free"):
        unpack(tmp_path / "a.zip", WANTED, tmp_path / "there")


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar", "a.zip.partial", "a.tgz.partial"])
def test_members_are_looked_for_without_unpacking(tmp_path: Path, name: str) -> None:
    if "zip" in name:
        write_zip(tmp_path / name, {"log.csv": b"a\n"})
    else:
        content = tar_of({"log.csv": b"a\n"})
        (tmp_path / name).write_bytes(content if name == "a.tar" else gzip.compress(content, mtime=0))
    require_members(tmp_path / name, WANTED)
    with pytest.raises(InputError, match=r"has no 'truth\.csv'"):
        require_members(tmp_path / name, Wanted("", ("truth.csv",)))
    assert [path.name for path in tmp_path.iterdir()] == [name]
