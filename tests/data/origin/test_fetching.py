"""Downloads: the whole, correct file under its name, or nothing, whatever the server does."""

import hashlib
import io
import json
import resource
import shutil
import ssl
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darlr.data.origin.cache import Cache
from darlr.data.origin.fetching import Patience, fetch_file
from darlr.data.origin.official import Official
from darlr.data.origin.partial import PartialFile
from darlr.data.origin.transfer import CHUNK, _broken_connections, _Redirects
from darlr.errors import InputError, RunError
from tests import file_server
from tests.file_server import Answer, FileServer


def archive_of(name: str, content: bytes) -> bytes:
    """A zip archive with one member, which is not compressed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
    return packed.getvalue()


CONTENT = archive_of("log.csv", np.random.default_rng(0).bytes(2 * CHUNK + 12_345))
SIZE = len(CONTENT)
OTHER = archive_of("log.csv", np.random.default_rng(1).bytes(2 * CHUNK + 12_245))
MD5 = hashlib.md5(CONTENT).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Watching:
    """Remembers its events."""

    progress: list[tuple[int, int | None]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def received(self, done: int, total: int | None) -> None:
        self.progress.append((done, total))

    def notice(self, text: str) -> None:
        self.notices.append(text)


class Interrupting(Watching):
    """Raises Ctrl-C as soon as bytes arrive."""

    def received(self, done: int, total: int | None) -> None:
        if done:
            raise KeyboardInterrupt


pytestmark = pytest.mark.usefixtures("no_proxies")


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of all pauses, which are skipped."""
    waited: list[float] = []
    monkeypatch.setattr("darlr.data.origin.fetching.sleep", waited.append)
    return waited


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server.serving(CONTENT) as running:
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "data.zip"


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Limit this process's files to `size` bytes; the system answers as for a full disk.

    The limit holds for a single call, because pytest's own output may be such a file.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Here(NamedTuple):
    """The contents of a download's folder."""

    final: bytes | None
    partial: bytes | None
    others: set[str]


def here(path: Path) -> Here:
    files = {entry.name: entry.read_bytes() for entry in path.parent.iterdir()} if path.parent.is_dir() else {}
    final, partial = files.pop(path.name, None), files.pop(f"{path.name}.partial", None)
    return Here(final, partial, set(files))


DONE = Here(CONTENT, None, set())
KEPT = {"data.zip.partial.json"}


def published(url: str | None, size: int | None = SIZE, md5: str = MD5, sha256: str = "") -> Official:
    page, licence = "https://data.example/page", "CC BY-SA 4.0"
    return Official("data.zip", page, licence, ("log.csv",), url=url, size=size, md5=md5, sha256=sha256)


def fetch_official(official: Official, path: Path, watching: Watching | None = None, patience: Patience | None = None) -> bool:
    return fetch_file(official, path.parent, Cache(path.parent.parent / "cache"), watching or Watching(), patience)


def fetch(
    server: FileServer,
    path: Path,
    watching: Watching | None = None,
    *,
    size: int | None = SIZE,
    md5: str = MD5,
    sha256: str = "",
) -> bool:
    return fetch_official(published(server.url, size, md5, sha256), path, watching, Patience(tries=4))


class TestWhole:
    @pytest.mark.parametrize(
        "known", [{}, {"md5": "", "sha256": SHA256}, {"size": None}, {"md5": ""}, {"size": None, "md5": ""}]
    )
    def test_downloads_once_and_reports_progress(self, server: FileServer, path: Path, known: dict[str, Any]) -> None:
        watching = Watching()
        assert fetch(server, path, watching, **known)
        assert here(path) == DONE
        assert watching.progress[0] == (0, SIZE)
        assert watching.progress[-1] == (SIZE, SIZE)
        assert [done for done, _ in watching.progress] == sorted({done for done, _ in watching.progress})
        assert watching.notices == []
        assert not fetch(server, path, **known)
        assert len(server.asked) == 1

    def test_what_may_not_be_downloaded_is_said_to_be_got_otherwise(self, path: Path) -> None:
        by_hand = replace(published(None), instructions="by request at https://data.example/form")
        with pytest.raises(InputError) as refused:
            fetch_official(by_hand, path)
        assert str(refused.value) == (
            f"{path}: no such file, and it may not be downloaded by a program; get it by request at https://data.example/form"
        )
        assert not path.parent.exists()
        path.parent.mkdir()
        path.write_bytes(CONTENT)
        assert not fetch_official(by_hand, path)

    def test_says_who_asks_and_wants_the_bytes_as_they_are(self, server: FileServer, path: Path) -> None:
        fetch(server, path)
        _, headers = server.asked[0]
        assert headers["User-Agent"].startswith("darlr/")
        assert headers["Accept-Encoding"] == "identity"

    @pytest.mark.parametrize(
        ("content", "known", "message"),
        [
            (CONTENT[:-1], {}, f"{SIZE - 1:,} bytes; expected {SIZE:,}: it is cut short; delete it and get it"),
            (CONTENT + b"x", {}, f"{SIZE + 1:,} bytes; expected {SIZE:,}: it is another version"),
            (CONTENT[:-1], {"size": None}, "MD5 is "),
            (b"x" + CONTENT[1:], {"md5": "", "sha256": SHA256}, f"expected {SHA256}: it is damaged or another version"),
        ],
    )
    def test_leaves_another_file_of_that_name_alone(
        self, server: FileServer, path: Path, content: bytes, known: dict[str, Any], message: str
    ) -> None:
        path.parent.mkdir()
        path.write_bytes(content)
        with pytest.raises(InputError) as refused:
            fetch(server, path, **known)
        assert str(refused.value).startswith(f"{path}: ")
        assert message in str(refused.value)
        assert here(path) == Here(content, None, set())
        assert server.asked == []

    def test_an_unknown_length_is_no_hindrance_where_a_checksum_tells(self, server: FileServer, path: Path) -> None:
        server.answers = [file_server.without_length]
        watching = Watching()
        assert fetch(server, path, watching, size=None)
        assert here(path) == DONE
        assert watching.progress[-1] == (SIZE, None)

    def test_an_unknown_length_and_no_checksum_cannot_be_trusted(self, server: FileServer, path: Path) -> None:
        server.answers = [file_server.without_length]
        with pytest.raises(RunError, match="does not say how long the file is"):
            fetch(server, path, size=None, md5="")
        assert here(path) == Here(None, None, set())

    def test_chunks_tell_where_they_end(self, server: FileServer, path: Path) -> None:
        server.answers = [file_server.chunked(1000), file_server.chunked()]
        assert fetch(server, path, size=None, md5="")
        assert here(path) == DONE

    def test_follows_redirects_to_another_path(self, server: FileServer, path: Path) -> None:
        server.answers = [file_server.redirect("/elsewhere/file?token=1"), file_server.redirect("again.bin")]
        assert fetch(server, path)
        assert here(path) == DONE
        assert [asked for asked, _ in server.asked] == ["/data.zip", "/elsewhere/file?token=1", "/elsewhere/again.bin"]

    def test_the_environments_proxy_is_asked(self, server: FileServer, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", server.address)
        assert fetch_official(published("http://data.example/archive.zip"), path)
        assert here(path) == DONE
        assert [asked for asked, _ in server.asked] == ["http://data.example/archive.zip"]


class TestTriesAgain:
    @pytest.mark.parametrize(
        ("answers", "notice"),
        [
            ([file_server.truncate(1000)], f"the connection was lost after 1,000 of {SIZE:,} bytes; trying again in 1 s"),
            ([file_server.truncate(0)], f"the connection was lost after 0 of {SIZE:,} bytes; trying again in 1 s"),
            ([file_server.status(500)], "the server answers HTTP 500 Internal Server Error; trying again in 1 s"),
            ([file_server.status(503, Retry_After="7")], "HTTP 503 Service Unavailable; trying again in 7 s"),
            ([file_server.status(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")], "Requests; trying again in 1 s"),
            ([file_server.corrupt], "; downloading it once more from the start"),
        ],
    )
    def test_and_succeeds(self, server: FileServer, path: Path, answers: list[Answer], notice: str) -> None:
        server.answers = answers
        watching = Watching()
        assert fetch(server, path, watching)
        assert here(path) == DONE
        assert len(watching.notices) == 1
        assert notice in watching.notices[0]

    def test_goes_on_from_where_it_stopped(self, server: FileServer, path: Path) -> None:
        server.answers = [file_server.truncate(1000), file_server.truncate(500)]
        assert fetch(server, path)
        assert here(path) == DONE
        assert server.ranges == [None, "bytes=1000-", "bytes=1500-"]
        assert [headers.get("If-Range") for _, headers in server.asked] == [None, '"one"', '"one"']

    def test_waits_twice_as_long_each_time_and_gives_up(self, server: FileServer, path: Path, pauses: list[float]) -> None:
        server.answers = [file_server.truncate(1000), *[file_server.status(502)] * 9]
        with pytest.raises(RunError) as failed:
            fetch(server, path)
        assert str(failed.value) == (
            f"{server.url}: the server answers HTTP 502 Bad Gateway, 4 tries in a row; "
            "the 1,000 bytes received are kept, and the same command goes on from there"
        )
        assert here(path) == Here(None, CONTENT[:1000], KEPT)
        assert pauses == [1, 2, 4]
        assert len(server.asked) == 4

    def test_progress_restores_patience(self, server: FileServer, path: Path, pauses: list[float]) -> None:
        server.answers = [file_server.status(500), *[file_server.truncate(10)] * 9]
        assert fetch(server, path)
        assert here(path) == DONE
        assert pauses == [1] * 10

    def test_coming_as_far_as_before_is_no_progress(self, server: FileServer, path: Path) -> None:
        """Otherwise a server that always starts again and always stops at the same place would be asked forever."""
        server.headers = {}
        server.answers = [file_server.truncate(1000)] * 9
        with pytest.raises(RunError, match=r"1,000 of .* bytes, 4 tries in a row"):
            fetch(server, path, md5="")
        assert server.ranges == [None] * 4

    def test_silence_ends(self, server: FileServer, path: Path) -> None:
        server.answers = [file_server.stall(1000), file_server.say_nothing]
        watching = Watching()
        assert fetch_official(published(server.url), path, watching, Patience(timeout=0.5))
        assert here(path) == DONE
        assert watching.notices[:2] == [
            "the server is silent; trying again in 1 s",
            "the server is silent; trying again in 2 s",
        ]

    def test_a_server_that_asks_for_too_much_patience_is_left(self, server: FileServer, path: Path) -> None:
        server.answers = [file_server.status(503, Retry_After="3600")]
        with pytest.raises(RunError, match=r"Service Unavailable, and asks to be left alone for 3,600 s$"):
            fetch(server, path)
        assert len(server.asked) == 1

    def test_nobody_there(self, path: Path) -> None:
        with file_server.serving(CONTENT) as gone:
            url = gone.url
        with pytest.raises(RunError, match=r"data\.zip: no connection \(Connection refused\), 2 tries in a row$"):
            fetch_official(published(url), path, patience=Patience(tries=2))
        assert here(path) == Here(None, None, set())


class TestGivesUpAtOnce:
    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (file_server.status(404), "the server answers HTTP 404 Not Found"),
            (file_server.status(403), "the server answers HTTP 403 Forbidden"),
            (file_server.status(407), "the server answers HTTP 407 Proxy Authentication Required"),
            (file_server.status(302), "redirected in a circle or to nowhere (HTTP 302 Found)"),
            (file_server.redirect("ftp://127.0.0.1/data.zip"), "redirects to ftp://127.0.0.1/data.zip; expected http"),
            (file_server.redirect("http://[bad/"), "redirects to no address ("),
            (file_server.web_page, "the server answers with a web page; expected a file"),
        ],
    )
    def test_and_keeps_what_was_there(self, server: FileServer, path: Path, answer: Answer, message: str) -> None:
        server.answers = [file_server.truncate(1000), answer]
        with pytest.raises(RunError) as failed:
            fetch(server, path)
        assert str(failed.value).startswith(f"{server.url}: {message}")
        assert here(path) == Here(None, CONTENT[:1000], KEPT)
        assert fetch(server, path)
        assert here(path) == DONE
        assert server.ranges[-1] == "bytes=1000-"

    def test_redirects_in_a_circle(self, server: FileServer, path: Path) -> None:
        server.answers = [file_server.redirect("/a"), file_server.redirect("/data.zip")] * 20
        with pytest.raises(RunError, match="redirected in a circle") as failed:
            fetch(server, path)
        assert "\n" not in str(failed.value)
        assert here(path) == Here(None, None, set())

    def test_redirects_out_of_encryption(self) -> None:
        asked = urllib.request.Request("https://data.example/a.zip")
        with pytest.raises(RunError, match=r"^https://data.example/a.zip: redirects to http://b/a.zip; expected https$"):
            _Redirects().redirect_request(asked, None, 302, "Found", {}, "http://b/a.zip")  # type: ignore[arg-type]

    def test_certificates_that_cannot_be_verified(self) -> None:
        refused = ssl.SSLCertVerificationError(1, "certificate verify failed")
        refused.verify_message = "self-signed certificate"
        with (
            pytest.raises(RunError, match=r"^https://a/b: the server's certificate .* \(self-signed certificate\)$"),
            _broken_connections("https://a/b"),
        ):
            raise urllib.error.URLError(refused)

    def test_another_size_than_published(self, server: FileServer, path: Path) -> None:
        server.content = OTHER
        with pytest.raises(RunError, match=f"data.zip: the server offers {len(OTHER):,} bytes; expected {SIZE:,}$"):
            fetch(server, path)
        assert here(path) == Here(None, None, set())

    def test_more_than_published_from_a_server_that_says_no_length(self, server: FileServer, path: Path) -> None:
        server.answers = [file_server.without_length] * 2
        with pytest.raises(RunError, match=r"twice, is not what was published: .* bytes; expected 5: it is another version$"):
            fetch(server, path, size=5, md5="")
        assert here(path) == Here(None, None, set())

    def test_wrong_bytes_twice(self, server: FileServer, path: Path) -> None:
        server.answers = [file_server.corrupt, file_server.corrupt]
        with pytest.raises(RunError, match=f"twice, is not what was published: MD5 is .*; expected {MD5}: "):
            fetch(server, path)
        assert here(path) == Here(None, None, set())

    def test_too_little_space(self, server: FileServer, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        server.answers = [file_server.truncate(1000), file_server.status(404)]
        with pytest.raises(RunError, match="404"):
            fetch(server, path)
        free = shutil.disk_usage(path.parent)._replace(free=SIZE - 1001)
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: free)
        with pytest.raises(RunError) as failed:
            fetch(server, path)
        assert str(failed.value) == f"{path.parent}: {SIZE - 1000:,} bytes are needed there; {SIZE - 1001:,} are free"
        assert here(path) == Here(None, CONTENT[:1000], KEPT)

    def test_a_disk_that_takes_no_more(self, server: FileServer, path: Path) -> None:
        with pytest.raises(RunError) as failed, file_size_limit(1000):
            fetch(server, path)
        assert str(failed.value) == f"{path}.partial: cannot be written (File too large)"
        assert here(path) == Here(None, CONTENT[:1000], KEPT)

    def test_a_file_in_the_folders_place(self, server: FileServer, path: Path) -> None:
        path.parent.write_text("")
        with pytest.raises(InputError, match=f"{path.parent}: cannot be written to"):
            fetch(server, path)

    def test_two_at_once(self, server: FileServer, path: Path) -> None:
        with PartialFile(path), pytest.raises(InputError, match="another process is downloading this file"):
            fetch(server, path)
        assert server.asked == []


class TestResumes:
    @pytest.fixture
    def interrupted(self, server: FileServer, path: Path) -> int:
        """Return the bytes that an interrupted download left."""
        with pytest.raises(KeyboardInterrupt):
            fetch(server, path, Interrupting())
        kept = here(path)
        assert kept.final is None
        assert kept.partial is not None
        assert kept.partial == CONTENT[: len(kept.partial)]
        assert kept.others == KEPT
        server.asked.clear()
        return len(kept.partial)

    def test_after_an_interrupt(self, server: FileServer, path: Path, interrupted: int) -> None:
        watching = Watching()
        assert fetch(server, path, watching)
        assert here(path) == DONE
        assert server.ranges == [f"bytes={interrupted}-"]
        assert watching.progress[0] == (interrupted, SIZE)

    @pytest.mark.parametrize(
        ("answers", "ranges"),
        [
            ([file_server.serve_all], 1),
            ([file_server.status(416)], 2),
            ([file_server.from_another_place], 2),
        ],
    )
    def test_from_the_start_where_ranges_are_refused(
        self, server: FileServer, path: Path, interrupted: int, answers: list[Answer], ranges: int
    ) -> None:
        server.answers = answers
        assert fetch(server, path)
        assert here(path) == DONE
        assert server.ranges == [f"bytes={interrupted}-", None][:ranges]

    @pytest.mark.parametrize("known", [{}, {"sha256": hashlib.sha256(OTHER).hexdigest()}])
    def test_not_across_versions(self, server: FileServer, path: Path, interrupted: int, known: dict[str, Any]) -> None:
        server.content, server.headers = OTHER, {"ETag": '"two"'}
        assert fetch(server, path, size=None, md5="", **known)
        assert here(path) == Here(OTHER, None, set())

    def test_not_across_versions_where_the_server_ignores_if_range(
        self, server: FileServer, path: Path, interrupted: int
    ) -> None:
        server.content, server.headers = OTHER, {"ETag": '"two"', "Date-of-old": '"one"'}  # so that If-Range holds
        watching = Watching()
        assert fetch(server, path, watching, size=None, md5="")
        assert here(path) == Here(OTHER, None, set())
        assert server.ranges == [f"bytes={interrupted}-", None]
        assert "the file has changed on the server" in watching.notices[0]

    def test_not_of_another_length(self, server: FileServer, path: Path, interrupted: int) -> None:
        server.content = OTHER
        assert fetch(server, path, size=None, md5="")
        assert here(path) == Here(OTHER, None, set())

    def test_a_checksum_finds_a_version_that_nothing_else_told(self, server: FileServer, path: Path, interrupted: int) -> None:
        partial = Path(f"{path}.partial")
        partial.write_bytes(b"x" * interrupted)
        watching = Watching()
        assert fetch(server, path, watching)
        assert here(path) == DONE
        assert server.ranges == [f"bytes={interrupted}-", None]
        assert "downloading it once more from the start" in watching.notices[0]

    @pytest.mark.parametrize("md5", [MD5, ""], ids=["checksum", "no checksum"])  # an archive holds the time
    @pytest.mark.parametrize(
        ("headers", "condition"), [({"Last-Modified": "Sat, 1 Jan 2022"}, True), ({"ETag": 'W/"one"'}, False)]
    )
    def test_by_date_and_not_by_weak_names(
        self, server: FileServer, path: Path, headers: dict[str, str], condition: bool, md5: str
    ) -> None:
        server.headers = headers
        server.answers = [file_server.truncate(1000)]
        assert fetch(server, path, md5=md5)
        assert here(path) == DONE
        assert server.ranges == [None, "bytes=1000-" if condition or md5 else None]
        assert server.asked[1][1].get("If-Range") == (headers["Last-Modified"] if condition else None)

    @pytest.mark.parametrize(
        "origin",
        [None, "", "{", "[]", '{"a": 1}', '{"url": "URL"}', '{"url": "URL", "validator": 5, "total": null}'],
    )
    def test_not_without_knowing_from_what(self, server: FileServer, path: Path, interrupted: int, origin: str | None) -> None:
        known = Path(f"{path}.partial.json")
        known.unlink() if origin is None else known.write_text(origin.replace("URL", server.url))
        assert fetch(server, path)
        assert here(path) == DONE
        assert server.ranges == [None]

    def test_not_from_another_address(self, server: FileServer, path: Path, interrupted: int) -> None:
        known = Path(f"{path}.partial.json")
        known.write_text(json.dumps(json.loads(known.read_text()) | {"url": "https://data.example/a.zip"}))
        assert fetch(server, path)
        assert server.ranges == [None]

    @pytest.mark.parametrize("size", [SIZE, None])
    def test_a_whole_file_that_lacked_its_name_alone(
        self, server: FileServer, path: Path, interrupted: int, size: int | None
    ) -> None:
        Path(f"{path}.partial").write_bytes(CONTENT)
        assert fetch(server, path, size=size)
        assert here(path) == DONE
        assert server.asked == []

    def test_not_with_more_than_there_is(self, server: FileServer, path: Path, interrupted: int) -> None:
        Path(f"{path}.partial").write_bytes(CONTENT + b"x")
        assert fetch(server, path)
        assert here(path) == DONE
        assert server.ranges == [None]


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 400), max_size=6), errors=st.lists(st.integers(0, 6), max_size=3))
def test_any_sequence_of_losses_ends_with_the_file(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], errors: list[int]
) -> None:
    content = CONTENT[:1000]
    answers = [file_server.truncate(cut) for cut in cuts]
    for place in errors:
        answers.insert(place, file_server.status(500))
    path = tmp_path_factory.mktemp("fetch") / "data.zip"
    with file_server.serving(content) as server:
        server.answers = list(answers)
        official = published(server.url, 1000, hashlib.md5(content).hexdigest())
        assert fetch_official(official, path, patience=Patience(tries=len(answers) + 1))
    assert here(path) == Here(content, None, set())


class TestWithoutAChecksum:
    @pytest.mark.parametrize(
        ("archive", "content", "message"),
        [
            ("data.zip", archive_of("other.csv", b"a\n"), "has no 'log.csv'; expected it in '.', as published"),
            ("data.zip", b"<!DOCTYPE html><p>please log in</p>", "cut short, damaged or no archive"),
            ("data.tar.gz", archive_of("log.csv", b"a\n"), "cut short or damaged"),
            ("log.csv", b"\n <!doctype HTML><p>please log in</p>", "is a web page; expected the file that is published on"),
        ],
    )
    def test_what_came_must_hold_what_is_published(self, tmp_path: Path, archive: str, content: bytes, message: str) -> None:
        with file_server.serving(content) as server:
            wanted = replace(published(server.url, size=None, md5=""), archive=archive)
            with pytest.raises(RunError) as failed:
                fetch_official(wanted, tmp_path / "new" / archive)
        assert "what came, twice, is not what was published" in str(failed.value)
        assert message in str(failed.value)
        assert list((tmp_path / "new").iterdir()) == []

    def test_what_lies_there_must_hold_it_too(self, path: Path) -> None:
        path.parent.mkdir()
        path.write_bytes(archive_of("other.csv", b"a\n"))
        with pytest.raises(InputError, match=r"has no 'log\.csv'"):
            fetch_official(published(None, size=None, md5=""), path)

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (file_server.chunked(), f"more than {CHUNK:,} bytes came, and no end"),
            (file_server.serve_all, f"the server offers {SIZE:,} bytes; expected at most {CHUNK:,}"),
        ],
    )
    def test_a_body_has_an_end(self, server: FileServer, path: Path, answer: Answer, message: str) -> None:
        server.answers = [answer]
        with pytest.raises(RunError) as failed:
            fetch_official(replace(published(server.url, size=None, md5=""), at_most=CHUNK), path)
        assert message in str(failed.value)
        assert not path.exists()
