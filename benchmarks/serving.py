"""The speed of `darlr serve`: a load generator in this process, the service in another one.

    python -m benchmarks.serving RUN [--rate 200] [--requests 2000] [--users 50] [--reloads 0]
        [--feedback] [--rewards 10] [--session-seconds 3600]

Requests leave at a fixed rate, whether earlier ones are answered or not, so waiting counts. The output has the time from
the start to ready, and the quantiles of the time from when a request was due to its answer. It also has the CPU time for
each request, the memory before, during and after, and the number of failed requests. With `--reloads` the service changes
back and forth
between two copies of the run under load. `--feedback` sends a reward in the user's session before every list; a user begins
another session after `--rewards` rewards. The service forgets a session `--session-seconds` after its last use.
"""

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from darlr import Recommender

CONNECTIONS = 64
KEPT = 15.0
"""Seconds for which an idle connection is kept, fewer than the service keeps one, which might close a connection about to
be used.
"""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Measured:
    """The results of a load: seconds for each answer by path, and failed requests."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def add(self, path: str, seconds: float) -> None:
        self.seconds.setdefault(path, []).append(seconds)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def started(run: Path, port: int, log: Path, options: Sequence[str] = ()) -> tuple[subprocess.Popen[bytes], float]:
    """Start a service of `run`; yield it and the seconds until it was ready."""
    command = [sys.executable, "-m", "darlr.cli.main", "serve", str(run), "--port", str(port), *options]
    begun = time.perf_counter()
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    while time.perf_counter() - begun < 300:
        if process.poll() is not None:
            raise SystemExit(f"the service ended: {log.read_text()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5):
                return process, time.perf_counter() - begun
        except OSError:
            time.sleep(0.02)
    raise SystemExit("the service was not ready within 300 seconds")


def cpu_seconds(process: int) -> float:
    """Return user and system time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(process: int) -> float:
    """Return the memory of a process."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def watched(process: int, every: float = 1.0) -> list[float]:
    """Record the memory of a process regularly, until this is cancelled."""
    seen = [resident_mib(process)]
    try:
        while True:
            await asyncio.sleep(every)
            seen.append(resident_mib(process))
    except asyncio.CancelledError:
        return seen


def sessions_kept(port: int) -> int:
    """Return the number of sessions in memory that the service last reported."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text: str = answer.read().decode()
    return int(float(text.partition("\ndarlr_sessions ")[2].partition("\n")[0]))


class Connection:
    """One persistent connection, with the least work for a client, because it shares the machine with the service."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used = 0.0

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return status and body of the answer; raises `OSError`."""
        if self._streams is not None and time.perf_counter() - self._used > KEPT:
            self._streams[1].close()
            self._streams = None
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        self._used = time.perf_counter()
        reader, writer = self._streams
        writer.write(f"POST {path} HTTP/1.1\r\nhost: here\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return int(head.split(b" ", 2)[1]), await reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError) as error:
            self._streams = None
            raise ConnectionError(f"no answer to {path}") from error


async def load(port: int, bodies: Sequence[tuple[str, bytes]], rate: float) -> Measured:
    """Send `bodies` (path, body) at `rate` a second, over at most `CONNECTIONS` connections."""
    measured, begun = Measured(), time.perf_counter()
    idle = [Connection(port) for _ in range(CONNECTIONS)]
    free = asyncio.Semaphore(CONNECTIONS)

    async def send(due: float, path: str, body: bytes) -> None:
        async with free:
            connection = idle.pop()
            try:
                status, answer = await connection.post(path, body)
                if status != 200:
                    measured.failed.append(f"{status} {answer[:100]!r}")
            except OSError as error:
                measured.failed.append(repr(error))
            idle.append(connection)
        measured.add(path, time.perf_counter() - due)

    async with asyncio.TaskGroup() as group:
        for number, (path, body) in enumerate(bodies):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(send(due, path, body))
    return measured


async def change(pointer: Path, runs: Sequence[Path], times: int, seconds: float) -> None:
    """Point at one run after the other."""
    for number in range(times):
        await asyncio.sleep(seconds / (times + 1))
        partial = pointer.with_suffix(".partial")
        partial.write_text(str(runs[(number + 1) % 2]))
        partial.replace(pointer)


def bodies_for(run: Path, requests: int, users: int, rewards: int) -> list[tuple[str, bytes]]:
    """Yield requests for lists of ten for users of the log, each after a reward in a session of the given length; 0: no
    sessions.
    """
    recommender = Recommender.load(run)
    ids, items = recommender.user_ids[:users].tolist(), recommender.item_ids.tolist()
    low, high = recommender.reward_range
    bodies: list[tuple[str, bytes]] = []
    for number in range(requests):
        user = ids[number % len(ids)]
        session = f"visit {user} {number // (rewards * len(ids))}" if rewards else None
        if session:
            told = {"session": session, "items": [items[number % len(items)]], "rewards": [low if number % 2 else high]}
            bodies.append(("/feedback", json.dumps(told).encode()))
        request = {"user": user, **({"session": session} if session else {})}
        bodies.append(("/recommend", json.dumps({"requests": [request]}).encode()))
    return bodies


async def loaded(
    arguments: argparse.Namespace, place: tuple[int, int], pointer: Path, copies: Sequence[Path]
) -> tuple[Measured, list[float]]:
    """Return the results of a load at `place` (process, port), and the memory of the process each second."""
    process, port = place
    rewards = arguments.rewards if arguments.feedback else 0
    bodies = bodies_for(arguments.run, arguments.requests, arguments.users, rewards)
    seconds = len(bodies) / arguments.rate
    await load(port, bodies[:50], arguments.rate)
    watching = asyncio.create_task(watched(process))
    measuring = load(port, bodies, arguments.rate)
    measured, _ = await asyncio.gather(measuring, change(pointer, copies, arguments.reloads, seconds))
    watching.cancel()
    return measured, await watching


def report(measured: Measured, spent: float, memory: Sequence[float]) -> None:
    total = sum(map(len, measured.seconds.values()))
    for path, seconds in measured.seconds.items():
        ordered = sorted(seconds)
        quantiles = ", ".join(
            f"p{share:g} {1e3 * ordered[min(len(ordered) - 1, int(share / 100 * len(ordered)))]:.2f} ms"
            for share in (50, 90, 99)
        )
        print(f"{path}: {len(seconds):,} requests, {quantiles}")
    print(f"failed: {len(measured.failed)} of {total:,}", *measured.failed[:3])
    tenth = memory[len(memory) // 10]
    print(f"CPU of the service: {1e3 * spent / total:.2f} ms a request")
    print(f"memory: {memory[0]:.0f} MiB, after a tenth {tenth:.0f}, at most {max(memory):.0f}, in the end {memory[-1]:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second")
    parser.add_argument("--requests", type=int, default=2_000, help="lists asked for")
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--reloads", type=int, default=0, help="changes of the run under load")
    parser.add_argument("--feedback", action="store_true")
    parser.add_argument("--rewards", type=int, default=10, help="told in a session")
    parser.add_argument("--session-seconds", type=int, default=3_600, help="a session is forgotten so long after its last use")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="darlr-benchmark-") as folder:
        place = Path(folder)
        copies = [arguments.run.absolute()]
        if arguments.reloads:
            copies.append(shutil.copytree(arguments.run, place / "other" / arguments.run.name))
        pointer = place / "serving"
        pointer.write_text(str(copies[0]))
        port = free_port()
        options = ["--watch", "0.2", "--session-seconds", str(arguments.session_seconds)]
        process, seconds = started(pointer, port, place / "log", options)
        try:
            print(f"ready after {seconds:.2f} s, {cpu_seconds(process.pid):.2f} s of a CPU")
            spent = cpu_seconds(process.pid)
            measured, memory = asyncio.run(loaded(arguments, (process.pid, port), pointer, copies))
            report(measured, cpu_seconds(process.pid) - spent, memory)
            if arguments.feedback:
                told = arguments.requests // arguments.rewards
                print(f"sessions: {told:,} or more were begun, {sessions_kept(port):,} are kept")
        finally:
            process.terminate()
            process.wait(60)


if __name__ == "__main__":
    main()
