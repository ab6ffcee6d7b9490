"""The service as a process of its own, in what befalls it: changes under load, killed workers, slow and huge clients."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from benchmarks.serving import free_port, load, started

from tests.serving.shop import train_shop

pytestmark = pytest.mark.slow  # each starts processes that import torch

BODY = json.dumps({"requests": [{"user": "u3"}], "count": 5}).encode()
Started = Callable[..., tuple[int, subprocess.Popen[bytes]]]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Started]:
    """`begin(run, "--workers", 2)`: the port of a service that is ready, and its process."""
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


def test_no_request_is_lost_while_the_run_changes_again_and_again(
    begin: Started, shop: Path, shop_run: Path, tmp_path: Path
) -> None:
    runs, pointer = [shop_run, train_shop(shop, seed=1)], tmp_path / "serving"
    pointer.write_text(str(shop_run))
    port, _ = begin(pointer, "--watch", 0.05)

    async def work() -> list[str]:
        measuring = asyncio.create_task(load(port, [("/recommend", BODY)] * 600, rate=60))
        for number in range(20):
            await asyncio.sleep(0.4)
            (tmp_path / "next").write_text(str(runs[(number + 1) % 2]))
            (tmp_path / "next").replace(pointer)
        return (await measuring).failed

    assert asyncio.run(work()) == []
    assert (tmp_path / "log").read_text().count('"event": "reloaded"') >= 5


def test_a_killed_worker_is_replaced_and_the_others_go_on(begin: Started, shop_run: Path) -> None:
    port, process = begin(shop_run, "--workers", 2, "--sessions", "none")

    def children() -> set[int]:
        found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return {int(child) for child in found if b"multiprocessing.spawn" in Path(f"/proc/{child}/cmdline").read_bytes()}

    before = children()
    assert len(before) == 2

    async def work() -> tuple[int, int]:
        measuring = asyncio.create_task(load(port, [("/recommend", BODY)] * 300, rate=60))
        await asyncio.sleep(1)
        os.kill(min(before), signal.SIGKILL)
        measured = await measuring
        return len(measured.failed), len(measured.seconds["/recommend"])

    failed, sent = asyncio.run(work())
    assert failed <= 64  # those that the killed worker held, one a connection at most
    assert sent == 300
    deadline = time.monotonic() + 120
    while len(now := children()) < 2 or now == before:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert len(asyncio.run(load(port, [("/recommend", BODY)] * 20, rate=20)).failed) == 0


def test_slow_and_huge_clients_keep_nobody_waiting(begin: Started, shop_run: Path) -> None:
    port, _ = begin(shop_run, "--timeout", 2)
    slow = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(50)]
    for one in slow:
        one.sendall(b"POST /recommend HTTP/1.1\r\nhost: here\r\ncontent-length: 1000\r\n\r\n{")
    huge = socket.create_connection(("127.0.0.1", port), timeout=30)
    huge.sendall(f"POST /recommend HTTP/1.1\r\nhost: here\r\ncontent-length: {100 << 20}\r\n\r\n".encode())
    with closing(huge):
        assert b" 413 " in huge.recv(4096)
    measured = asyncio.run(load(port, [("/recommend", BODY)] * 40, rate=40))
    assert measured.failed == []
    for one in slow:
        with closing(one):
            assert b" 408 " in one.recv(4096)


def test_told_to_stop_it_answers_what_is_under_way(begin: Started, shop_run: Path, tmp_path: Path) -> None:
    port, process = begin(shop_run)
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as client:
        client.sendall(f"POST /recommend HTTP/1.1\r\nhost: here\r\ncontent-length: {len(BODY)}\r\n\r\n".encode())
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        client.sendall(BODY)
        assert b" 200 " in client.recv(4096)
    assert process.wait(60) in (0, -signal.SIGTERM)
    assert '"event": "stopped"' in (tmp_path / "log").read_text()


def test_a_full_disk_for_logs_stops_no_answer(shop_run: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    port = free_port()
    process, _ = started(shop_run, port, Path("/dev/full"))
    try:
        assert asyncio.run(load(port, [("/recommend", BODY)] * 20, rate=50)).failed == []
    finally:
        process.terminate()
        process.wait(60)
