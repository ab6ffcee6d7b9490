"""The service in this process: no port, no wait for a start."""

import asyncio
import io
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from benchmarks.serving import free_port, started
from redis import Redis
from redis.exceptions import RedisError
from starlette.testclient import TestClient

from darlr.serving.http.app import Parts, application
from darlr.serving.http.logs import service_logger
from darlr.serving.http.settings import ServiceSettings

Start = Callable[..., TestClient]
Begin = Callable[..., tuple[int, subprocess.Popen[bytes]]]


class Logged(io.StringIO):
    """The service's log records."""

    def entries(self, event: str) -> list[dict[str, Any]]:
        lines = map(json.loads, self.getvalue().splitlines())
        return [line for line in lines if line["event"] == event]


@pytest.fixture
def logged() -> Logged:
    return Logged()


@pytest.fixture
def start(shop_run: Path, logged: Logged) -> Iterator[Start]:
    """`start(keys=..., most_bytes=...)`: a client of a service of the shop's run, which stops after the test."""
    with ExitStack() as stack:

        def begin(redis: Any = None, **changes: Any) -> TestClient:
            settings = ServiceSettings(**{"run": str(shop_run), "watch": 0, **changes})
            app = application(Parts(settings, service_logger(logged), redis))
            return stack.enter_context(TestClient(app))

        yield begin


def run_async(work: Coroutine[Any, Any, Any]) -> Any:
    """Return the result of `work`."""
    return asyncio.run(work)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """`begin(run, "--workers", 2)`: the port of a ready service in its own process, and the process."""
    running = []

    def start(run: Path, *options: object) -> tuple[int, subprocess.Popen[bytes]]:
        port = free_port()
        process, _ = started(run, port, tmp_path / "log", [str(option) for option in options])
        running.append(process)
        return port, process

    yield start
    for process in running:
        process.terminate()
        process.wait(60)


class RedisServer:
    """A private Redis, which stops, hangs and restarts on request."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port = folder, free_port()
        self.address = f"redis://127.0.0.1:{self.port}/0"
        self.client = Redis(port=self.port)
        self.start()

    def start(self) -> None:
        """Start, empty."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.client.ping()
                return
            except RedisError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(60)

    def hang(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A real Redis, if one is installed."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    server = RedisServer(tmp_path)
    yield server
    server.kill()
