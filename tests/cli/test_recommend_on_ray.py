"""`darlr recommend --all --ray`: what is refused in one line."""

import socket
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command

needs_ray = pytest.mark.skipif("not __import__('importlib').util.find_spec('ray')", reason="needs the extra 'ray'")


def test_without_the_extra_a_line_says_how_to_install_it(darlr: Command, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    ended = darlr("recommend", run, "--all", "--ray", "localhost:6379", "--output", "lists")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "darlr: --ray needs the package ray; install it by: pip install 'darlr[ray]'\n"


@pytest.mark.parametrize("options", [["--output", "lists"], ["--all"], ["--users", "u1", "--output", "lists"]])
def test_it_is_for_all_users_and_a_folder(darlr: Command, run: Path, options: list[str]) -> None:
    ended = darlr("recommend", run, "--ray", "auto", *options)
    assert (ended.code, ended.out) == (2, "")
    assert "expected --all and --output FOLDER" in ended.err


def test_a_gpu_is_refused(darlr: Command, run: Path) -> None:
    ended = darlr("recommend", run, "--all", "--ray", "auto", "--output", "lists", "--device", "cuda")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("darlr: --device is 'cuda', but nodes of a Ray cluster compute on their CPUs")


@needs_ray
def test_where_nobody_answers_a_line_says_so_and_nothing_is_written(darlr: Command, run: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    before = sorted(Path().iterdir())
    ended = darlr("recommend", run, "--all", "--ray", address, "--output", "lists")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"darlr: --ray: nothing answers at {address} (")
    assert sorted(Path().iterdir()) == before


@needs_ray
def test_a_folder_that_is_there_is_refused(darlr: Command, run: Path) -> None:
    Path("lists").mkdir()
    ended = darlr("recommend", run, "--all", "--ray", "auto", "--output", "lists")
    assert (ended.code, ended.out) == (2, "")
    assert "lists: is there already; on a cluster lists are a folder of Parquet files, expected a new one" in ended.err
