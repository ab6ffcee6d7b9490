"""`darlr fetch`."""

import contextlib
import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from rich.console import Console

from darlr.cli.terminal.download import DownloadMonitor
from darlr.data.origin.official import Official
from darlr.data.readers.coat import SOURCE as COAT
from darlr.data.registry import SOURCES
from darlr.data.source import Source
from tests import file_server
from tests.cli.conftest import Command
from tests.file_server import FileServer

pytestmark = pytest.mark.usefixtures("no_proxies")


def archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("shop/log.csv", "user_id,item_id,reward\n" * 10_000)
    return content.getvalue()


ARCHIVE = archive()
BY_HAND = Official(
    archive="survey.txt",
    page="https://data.example/survey",
    licence="academic use",
    members=("survey.txt",),
    instructions="by request at https://data.example/form (dataset S1)",
)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server.serving(ARCHIVE) as running:
        yield running


@pytest.fixture
def source(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A data set `shop` whose one archive the server publishes, and `survey` that has a file to be requested, too."""
    monkeypatch.setattr("darlr.data.origin.fetching.sleep", lambda seconds: None)
    published = Official(
        archive="data.zip",
        page="https://data.example/shop",
        licence="CC BY-SA 4.0",
        members=("log.csv",),
        root="shop",
        url=server.url,
        size=len(ARCHIVE),
        sha256=hashlib.sha256(ARCHIVE).hexdigest(),
        citation="Somebody, A Shop, 2020",
    )
    shop = replace(COAT, name="shop", folder="shop", official=(published,))
    survey = replace(COAT, name="survey", folder="survey", official=(BY_HAND, published))
    sources = MappingProxyType({"synthetic": SOURCES["synthetic"], "shop": shop, "survey": survey})
    for module in ("darlr.data.registry", "darlr.cli.terminal.download"):
        monkeypatch.setattr(f"{module}.SOURCES", sources)
    return shop


def test_lists_what_can_be_fetched(darlr: Command, source: Source, server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "data" / "survey").mkdir()
    (tmp_path / "data" / "survey" / "data.zip.partial").write_bytes(b"x" * 1500)
    ended = darlr("fetch")
    assert (ended.code, ended.err) == (0, "")
    flat = " ".join(ended.out.split())
    assert f"shop data.zip {len(ARCHIVE):,} bytes" in flat.replace(f"{len(ARCHIVE) / 1000:.1f} kB", f"{len(ARCHIVE):,} bytes")
    assert "CC BY-SA 4.0 darlr fetch shop" in flat
    assert "survey survey.txt unknown academic use on request; darlr fetch survey says where" in flat
    assert "darlr fetch survey (begun: 1.5 kB)" in flat
    assert "synthetic" not in flat
    assert server.asked == []


def test_downloads_and_says_licence_citation_and_what_comes_next(
    darlr: Command, source: Source, server: FileServer, tmp_path: Path
) -> None:
    place = tmp_path / "data" / "shop" / "data.zip"
    ended = darlr("fetch", "shop")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        f"data.zip: {server.url}",
        "  licence: CC BY-SA 4.0",
        "  cite: Somebody, A Shop, 2020",
        f"{place}: complete, its size and checksum as published",
        "next: darlr check shop",
    ]
    assert [entry.name for entry in place.parent.iterdir()] == ["data.zip"]
    assert place.read_bytes() == ARCHIVE
    assert "is here" in darlr("fetch").out


def test_files_that_are_here_are_verified_and_not_downloaded_again(
    darlr: Command, source: Source, server: FileServer, tmp_path: Path
) -> None:
    folder = tmp_path / "my data"
    darlr("fetch", "shop", "--data-dir", folder)
    again = darlr("fetch", "shop", "--data-dir", folder)
    assert again.code == 0
    assert again.out == (
        f"{folder}/shop/data.zip: already here, its size and checksum as published\n"
        f"next: darlr check shop --data-dir '{folder}'\n"
    )
    assert len(server.asked) == 1
    (folder / "shop" / "data.zip").write_bytes(b"x" * len(ARCHIVE))
    damaged = darlr("fetch", "shop", "--data-dir", folder)
    assert (damaged.code, damaged.out) == (2, "")
    assert f"{folder}/shop/data.zip: SHA-256 is " in damaged.err
    assert "delete it and get it" in damaged.err
    assert len(server.asked) == 1


def test_unpacked_files_are_enough(darlr: Command, source: Source, server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "data" / "shop").mkdir()
    (tmp_path / "data" / "shop" / "log.csv").write_text("user_id,item_id,reward\n")
    ended = darlr("fetch", "shop")
    assert ended.code == 0
    assert ended.out == f"data.zip: its files lie unpacked in {tmp_path}/data/shop\nnext: darlr check shop\n"
    assert server.asked == []


def test_what_has_to_be_requested_is_said_after_the_rest_is_here(
    darlr: Command, source: Source, server: FileServer, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "survey"
    ended = darlr("fetch", "survey")
    assert ended.code == 2
    assert ended.err == f"darlr: get survey.txt by request at https://data.example/form (dataset S1) and put it into {folder}\n"
    assert "next:" not in ended.out
    assert (folder / "data.zip").read_bytes() == ARCHIVE
    (folder / "survey.txt").write_text("1 2 3\n")
    ended = darlr("fetch", "survey")
    assert (ended.code, ended.err) == (0, "")
    assert f"{folder}/survey.txt: already here, its owner publishes no checksum to compare it with" in ended.out
    assert ended.out.endswith("next: darlr check survey\n")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shap", "unknown data set 'shap'; did you mean 'shop'? (known: shop, survey)"),
        ("synthetic", "data set 'synthetic' is built in; there is nothing to fetch"),
    ],
)
def test_names_that_cannot_be_fetched(darlr: Command, source: Source, name: str, message: str) -> None:
    assert darlr("fetch", name).err == f"darlr: {message}\n"
    assert darlr("fetch", name).code == 2


def test_a_failure_is_one_line_and_the_same_command_recovers(
    darlr: Command, source: Source, server: FileServer, tmp_path: Path
) -> None:
    server.answers = [file_server.truncate(100), file_server.status(404)]
    failed = darlr("fetch", "shop")
    assert failed.code == 3
    assert failed.err.splitlines() == [
        f"note: data.zip: the connection was lost after 100 of {len(ARCHIVE):,} bytes; trying again in 1 s",
        f"darlr: {server.url}: the server answers HTTP 404 Not Found",
    ]
    assert not (tmp_path / "data" / "shop" / "data.zip").exists()
    assert darlr("fetch", "shop").code == 0
    assert server.ranges == [None, "bytes=100-", "bytes=100-"]
    assert (tmp_path / "data" / "shop" / "data.zip").read_bytes() == ARCHIVE


def test_ctrl_c_keeps_what_was_received(source: Source, server: FileServer, tmp_path: Path) -> None:
    server.answers = [file_server.stall(100)]
    program = f"""
        import sys
        from dataclasses import replace
        from darlr.cli.main import main
        from darlr.data import registry
        coat = registry.SOURCES["coat"]
        shop = replace(coat.official[0], archive="data.zip", url="{server.url}")
        registry.SOURCES = {{"shop": replace(coat, name="shop", folder="shop", official=(shop,))}}
        sys.argv = ["darlr", "fetch", "shop"]
        main()
    """
    environment = {**os.environ, "DARLR_DATA": str(tmp_path)}
    partial = tmp_path / "shop" / "data.zip.partial"
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], env=environment, stderr=subprocess.PIPE)
    while process.poll() is None and not (partial.exists() and partial.stat().st_size):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate()
    assert process.returncode == 130
    assert printed.decode() == "darlr: interrupted; the same command goes on from the bytes received\n"
    assert partial.read_bytes() == ARCHIVE[:100]
    assert sorted(entry.name for entry in partial.parent.iterdir()) == ["data.zip.partial", "data.zip.partial.json"]


def test_a_closed_connection_does_not_end_the_process(darlr: Command, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def fetch_file(official: Official, folder: Path, cache: object, monitor: object) -> bool:
        one, other = socket.socketpair()
        other.close()
        with one, contextlib.suppress(BrokenPipeError):
            one.send(b"x")
        seen.append(official.archive)
        return True

    monkeypatch.setattr("darlr.cli.terminal.download.fetch_file", fetch_file)
    assert darlr("fetch", "shop").code == 0
    assert seen == ["data.zip"]
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_DFL


def test_a_terminal_sees_a_bar_and_others_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darlr.cli.terminal.download.SECONDS_BETWEEN_LINES", 0.0)
    for terminal in (True, False):
        console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
        with DownloadMonitor("data.zip", console) as monitor:
            monitor.received(1_000_000, 4_000_000)
            monitor.received(4_000_000, 4_000_000)
            monitor.notice("a word")
        printed = console.file.getvalue()  # type: ignore[attr-defined]
        assert "note: data.zip: a word\n" in printed
        assert ("4.0/4.0 MB" in printed) is terminal
        assert ("data.zip: 1.0 MB of 4.0 MB\n" in printed) is not terminal


def test_every_published_file_has_an_address_that_cannot_be_altered_on_its_way_and_names_its_paper() -> None:
    officials = [official for source in SOURCES.values() for official in source.official]
    assert officials
    for official in officials:
        assert official.citation
        assert official.url is None or official.url.startswith("https://")
        assert official.url is not None or official.instructions
