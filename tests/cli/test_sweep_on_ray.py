"""`darlr sweep --ray`: addresses and environments that are refused, in one line."""

import socket
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command

needs_ray = pytest.mark.skipif("not __import__('importlib').util.find_spec('ray')", reason="needs the extra 'ray'")


def test_without_the_extra_a_line_says_how_to_install_it(darlr: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    ended = darlr("sweep", "smoke", "--ray", "localhost:6379")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "darlr: --ray needs the package ray; install it by: pip install 'darlr[ray]'\n"


def test_a_gpu_is_refused(darlr: Command) -> None:
    ended = darlr("sweep", "smoke", "--ray", "auto", "--device", "cuda")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("darlr: --device is 'cuda', but nodes of a Ray cluster compute on their CPUs")


@needs_ray
class TestAddresses:
    @pytest.mark.parametrize(
        "address", ["nonsense", "host", ":6379", "host:", "host:x", "host:0", "host:65536", "ray://host:10001"]
    )
    def test_what_is_no_address_is_refused(self, darlr: Command, address: str) -> None:
        ended = darlr("sweep", "smoke", "--ray", address)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith(f"darlr: --ray is '{address}'; expected HOST:PORT of a running cluster")
        assert list(Path().iterdir()) == []

    @pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "nobody.invalid"])
    def test_where_nobody_answers_a_line_says_so(self, darlr: Command, host: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        ended = darlr("sweep", "smoke", "--ray", f"{host}:{port}")
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith(f"darlr: --ray: nothing answers at {host}:{port} (")
        assert ended.err.count("\n") == 1

    def test_what_answers_but_is_no_cluster_is_refused(self, darlr: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("darlr.cluster.connecting.SECONDS_TO_ANSWER", 0.5)
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = f"127.0.0.1:{server.getsockname()[1]}"
            ended = darlr("sweep", "smoke", "--ray", address)
        assert (ended.code, ended.err) == (2, f"darlr: --ray: what answers at {address} is no Ray cluster\n")
