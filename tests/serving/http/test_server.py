"""The service in its own process, under stress: changes under load, killed workers, slow and huge clients."""

import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from benchmarks.serving import free_port, load, started

from tests.serving.http.conftest import Begin
from tests.serving.shop import train_shop

pytestmark = pytest.mark.slow  # each starts processes that import torch

BODY = json.dumps({"requests": [{"user": "u3"}], "count": 5}).encode()


def test_no_request_is_lost_while_the_run_changes_again_and_again(
    begin: Begin, shop: Path, shop_run: Path, tmp_path: Path
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


def test_a_killed_worker_is_replaced_and_the_others_go_on(begin: Begin, shop_run: Path) -> None:
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


def test_workers_stop_when_the_process_that_started_them_is_killed(begin: Begin, shop_run: Path) -> None:
    port, process = begin(shop_run, "--workers", 2, "--sessions", "none")
    process.kill()
    process.wait(60)
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            return
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_slow_and_huge_clients_keep_nobody_waiting(begin: Begin, shop_run: Path) -> None:
    port, _ = begin(shop_run, "--timeout", 2)
    slow = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(100)]
    head = b"POST /recommend HTTP/1.1\r\nhost: here\r\n"
    for number, one in enumerate(slow):
        one.sendall(head if number % 2 else head + b"content-length: 1000\r\n\r\n{")
    huge = socket.create_connection(("127.0.0.1", port), timeout=30)
    huge.sendall(f"POST /recommend HTTP/1.1\r\nhost: here\r\ncontent-length: {100 << 20}\r\n\r\n".encode())
    with closing(huge):
        assert b" 413 " in huge.recv(4096)
    measured = asyncio.run(load(port, [("/recommend", BODY)] * 40, rate=40))
    assert measured.failed == []
    for one in slow:
        with closing(one):
            assert b" 408 " in one.recv(4096)


def test_told_to_stop_it_answers_what_is_under_way(begin: Begin, shop_run: Path, tmp_path: Path) -> None:
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


def test_more_connections_than_the_system_allows_stop_nobody_for_long(begin: Begin, shop_run: Path) -> None:
    port, process = begin(shop_run, "--timeout", 2)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (64, 64))
    idle = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(200)]
    for one in idle:
        with closing(one):
            assert one.recv(1) == b""  # closed: nothing was asked for within the time
    assert asyncio.run(load(port, [("/recommend", BODY)] * 20, rate=20)).failed == []


def test_a_full_disk_kills_no_worker(begin: Begin, shop_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        monkeypatch.setenv("TMPDIR", str(small))
        port, process = begin(shop_run, "--workers", 2, "--sessions", "none")
        while (tmp_path / "log").read_text().count('"serving"') < 2:  # a worker needs room while it starts
            time.sleep(0.1)
        with contextlib.suppress(OSError):
            (small / "full").write_bytes(bytes(8 << 20))
        paths = ["/recommend", "/feedback", "/admin/reload", "/nowhere", "/health"]  # each has numbers of its own
        measured = asyncio.run(load(port, [(path, BODY) for path in paths] * 20, rate=50))
        assert [told for told in measured.failed if not told.startswith("4")] == []
        assert "died" not in (tmp_path / "log").read_text()
        process.terminate()
        process.wait(60)
    finally:
        subprocess.run(["umount", "--lazy", small], check=True)


def test_a_run_that_cannot_be_served_is_told_once_by_several_workers_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "darlr.cli.main", "serve", str(tmp_path), "--workers", "2", "--sessions", "none"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert ended.stderr.count("not a darlr run") == 1


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
