"""`darlr train --ray`: what is refused in one line, before anything is written."""

import socket
import sys
from pathlib import Path

import pytest

import darlr as package
from darlr.errors import InputError
from tests.cli.conftest import Command

needs_ray = pytest.mark.skipif("not __import__('importlib').util.find_spec('ray')", reason="needs the extra 'ray'")


def test_without_the_extra_a_line_says_how_to_install_it(darlr: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    ended = darlr("train", "--ray", "localhost:6379")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "darlr: --ray needs the package ray; install it by: pip install 'darlr[ray]'\n"


def test_a_gpu_is_refused(darlr: Command) -> None:
    ended = darlr("train", "--ray", "auto", "--device", "cuda")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("darlr: --device is 'cuda', but nodes of a Ray cluster compute on their CPUs")
    with pytest.raises(InputError, match="nodes of a Ray cluster compute on their CPUs"):
        package.train("synthetic", ray="auto", device="cuda")


@needs_ray
def test_where_nobody_answers_a_line_says_so_and_nothing_is_written(darlr: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    ended = darlr("train", "--ray", address, "--dataset", "synthetic")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"darlr: --ray: nothing answers at {address} (")
    assert not Path("runs").exists()
