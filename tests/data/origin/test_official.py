import hashlib
import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from darlr.data.origin.cache import Cache
from darlr.data.origin.official import Official, locate
from darlr.errors import InputError

FILES = {"big.csv": b"a,b\n1,2\n", "parts/small.csv": b"a,b\n3,4\n" * 1000}
ZIP = Official(archive="Shop.zip", page="https://example.org/shop", licence="free", members=tuple(FILES), root="Shop 2.0/data")
TAR = replace(ZIP, archive="Shop.tar.gz")


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def write_archive(folder: Path, official: Official, root: str | None = None, extra: dict[str, bytes] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    root = official.root if root is None else root
    entries = {f"{root}/{name}".lstrip("/"): content for name, content in FILES.items()} | {"readme.txt": b"x"} | (extra or {})
    path = folder / official.archive
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(path, "w:gz") as archive_tar:
            for name, content in entries.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive_tar.addfile(entry, io.BytesIO(content))
    return path


@pytest.mark.parametrize("place", ["", "data", "Shop 2.0/data"])
def test_finds_unpacked_files_anywhere_sensible(tmp_path: Path, cache: Cache, place: str) -> None:
    for name, content in FILES.items():
        file = tmp_path / "shop" / place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    assert ZIP.missing(tmp_path / "shop") == ()
    found = locate(ZIP, tmp_path / "shop", cache)
    assert {name: path.read_bytes() for name, path in found.items()} == FILES
    assert not cache.folder.exists()


@pytest.mark.parametrize("official", [ZIP, TAR])
@pytest.mark.parametrize("root", [None, "", "Renamed/deeper"])
def test_unpacks_only_what_is_wanted_once(tmp_path: Path, cache: Cache, official: Official, root: str | None) -> None:
    write_archive(tmp_path, official, root)
    told: list[tuple[int, int]] = []
    assert official.missing(tmp_path) == ()
    found = locate(official, tmp_path, cache, lambda done, total: told.append((done, total)))
    assert {name: path.read_bytes() for name, path in found.items()} == FILES
    assert told[-1] == (8008, 8008)
    assert not list(cache.folder.rglob("readme.txt"))
    told.clear()
    assert locate(official, tmp_path, cache, lambda done, total: told.append((done, total))) == found
    assert told == []
    found["big.csv"].write_bytes(b"spoiled")
    assert locate(official, tmp_path, cache)["big.csv"].read_bytes() == FILES["big.csv"]


@pytest.mark.parametrize("official", [ZIP, TAR])
@pytest.mark.parametrize("kept", [0, 100, -30])
def test_refuses_half_an_archive(tmp_path: Path, cache: Cache, official: Official, kept: int) -> None:
    path = write_archive(tmp_path, official)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=rf"{official.archive}: cut short, damaged.*; delete it and get it again$"):
        locate(official, tmp_path, cache)
    assert not list(cache.folder.rglob("*.csv"))


def test_compares_with_what_is_published(tmp_path: Path, cache: Cache) -> None:
    path = write_archive(tmp_path, ZIP)
    content = path.read_bytes()
    known = replace(ZIP, size=len(content), md5=hashlib.md5(content).hexdigest())
    locate(known, tmp_path, cache)
    locate(replace(known, sha256=hashlib.sha256(content).hexdigest()), tmp_path, cache)
    for changed, message in (
        (replace(known, size=10**6), r"bytes; expected 1,000,000: it is cut short; delete it and get it from https://"),
        (replace(known, size=9), r"bytes; expected 9: it is another version"),
        (replace(known, md5="0" * 32), r"Shop.zip: MD5 is [0-9a-f]{32}; expected 0{32}: it is damaged or another version"),
        (replace(known, sha256="0" * 64, instructions="by signing X"), r"SHA-256 is .*; delete it and get it by signing X$"),
    ):
        with pytest.raises(InputError, match=message):
            locate(changed, tmp_path, cache)


@pytest.mark.parametrize("official", [ZIP, TAR])
@pytest.mark.parametrize("name", ["../evil.csv", "/etc/evil.csv", "Shop 2.0/../../evil.csv", "..\\evil.csv", "C:\\evil.csv"])
def test_refuses_to_unpack_outside(tmp_path: Path, cache: Cache, official: Official, name: str) -> None:
    write_archive(tmp_path / "shop", official, extra={name: b"evil"})
    with pytest.raises(InputError, match=r"would lie outside the folder it is unpacked into; it is not used$"):
        locate(official, tmp_path / "shop", cache)
    assert not list(tmp_path.rglob("*evil*"))
    assert not list(cache.folder.rglob("*.csv"))


def test_refuses_links(tmp_path: Path, cache: Cache) -> None:
    for official in (ZIP, TAR):
        write_archive(tmp_path, replace(official, members=("big.csv",)))
    target = "Shop 2.0/data/link.csv"
    with zipfile.ZipFile(tmp_path / ZIP.archive, "a") as archive:
        link = zipfile.ZipInfo(target)
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with tarfile.open(tmp_path / TAR.archive, "w:gz") as archive_tar:
        entry = tarfile.TarInfo(target)
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive_tar.addfile(entry)
    for official in (ZIP, TAR):
        with pytest.raises(InputError, match=r"entry 'Shop 2.0/data/link.csv' is a link"):
            locate(replace(official, members=("link.csv",)), tmp_path, cache)


def test_names_what_is_missing(tmp_path: Path, cache: Cache) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "big.csv").write_bytes(b"x")
    assert ZIP.missing(tmp_path) == ("parts/small.csv",)
    with pytest.raises(InputError, match=r"^parts/small.csv missing in .*; get Shop.zip from https://example.org/shop and put"):
        locate(ZIP, tmp_path, cache)
    write_archive(tmp_path, ZIP)
    with pytest.raises(InputError, match=r"Shop.zip: has no 'gone.csv'; expected it in 'Shop 2.0/data', as published$"):
        locate(replace(ZIP, members=("gone.csv",)), tmp_path, cache)


def test_a_plain_file_is_its_own_member(tmp_path: Path, cache: Cache) -> None:
    plain = Official(archive="m.txt", page="https://example.org", licence="free", members=("m.txt",))
    assert plain.missing(tmp_path) == ("m.txt",)
    (tmp_path / "m.txt").write_text("1")
    assert locate(plain, tmp_path, cache) == {"m.txt": tmp_path / "m.txt"}


@pytest.mark.parametrize("official", [ZIP, TAR])
def test_extras_may_be_absent(tmp_path: Path, cache: Cache, official: Official) -> None:
    shop = replace(official, members=("big.csv",), extras=("parts/small.csv",))
    (tmp_path / "big.csv").write_bytes(b"1")
    assert shop.missing(tmp_path) == ()
    assert set(locate(shop, tmp_path, cache)) == {"big.csv"}
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "small.csv").write_bytes(b"2")
    assert set(locate(shop, tmp_path, cache)) == set(FILES)
    write_archive(tmp_path / "packed", shop)
    assert {name: path.read_bytes() for name, path in locate(shop, tmp_path / "packed", cache).items()} == FILES
    assert set(locate(replace(shop, extras=("none.csv",)), tmp_path / "packed", cache)) == {"big.csv"}


def test_extras_that_do_not_lie_unpacked_are_taken_from_the_archive(tmp_path: Path, cache: Cache) -> None:
    shop = replace(ZIP, members=("big.csv",), extras=("parts/small.csv",))
    write_archive(tmp_path, shop)
    (tmp_path / "big.csv").write_bytes(b"mine")
    found = locate(shop, tmp_path, cache)
    assert {name: path.read_bytes() for name, path in found.items()} == FILES | {"big.csv": b"mine"}


def test_members_go_before_extras(tmp_path: Path) -> None:
    shop = replace(ZIP, members=("big.csv",), extras=("parts/small.csv", "more.csv"))
    for name in ("data/big.csv", "parts/small.csv", "more.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    assert shop.unpacked(tmp_path) == {"big.csv": tmp_path / "data" / "big.csv"}


def test_unpacked_members_may_have_other_names(tmp_path: Path, cache: Cache) -> None:
    shop = replace(ZIP, aliases={"big.csv": ("large.csv", "huge.csv")})
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "small.csv").write_bytes(b"2")
    assert shop.missing(tmp_path) == ("big.csv",)
    (tmp_path / "huge.csv").write_bytes(b"1")
    assert locate(shop, tmp_path, cache)["big.csv"] == tmp_path / "huge.csv"
    (tmp_path / "big.csv").write_bytes(b"3")
    assert locate(shop, tmp_path, cache)["big.csv"] == tmp_path / "big.csv"
