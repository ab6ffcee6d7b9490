"""Work on cells with several processes of this machine, each cell in a new one."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from darlr.errors import InputError
from darlr.reading import present
from darlr.sweep.plan import Cell
from darlr.sweep.running import Told
from darlr.sweep.worker import ENDS

SECONDS_TO_END = 10.0
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
APART = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""Keeps Ctrl-C from the workers on Windows, because the parent stops them; on other systems their own session does that."""


class LocalPool:
    """An executor (`darlr.sweep.running`) with up to `slots` processes at a time.

    If this process dies, the others end, too; their cells continue from their last checkpoints later. Entering it raises
    `InputError` if `out` cannot hold results.
    """

    def __init__(self, slots: int, data_dir: Path | None, out: Path, device: str) -> None:
        self._slots, self._out = slots, out
        self._job = {"data_dir": None if data_dir is None else str(data_dir), "out": str(out), "device": device}
        self._lines: queue.SimpleQueue[tuple[_Worker, bytes]] = queue.SimpleQueue()
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        _require_place(self._out)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for worker in self._workers:
            worker.stop()
        for worker in list(self._workers):
            self._end(worker)

    @property
    def slots(self) -> int:
        """The number of processes at a time."""
        return self._slots

    def start(self, cell: Cell) -> None:
        self._workers.append(_Worker(cell, self._job, self._lines))

    def stop(self, cell: Cell) -> None:
        for worker in [worker for worker in self._workers if worker.cell is cell]:  # none, if it has ended in the meantime
            self._end(worker)

    def heard(self, seconds: float) -> list[Told]:
        told: list[Told] = []
        for worker, line in self._arrived(seconds):
            if worker not in self._workers:  # stopped, and what it told meanwhile
                continue
            event = worker.event(line) if line else self._end(worker)
            if event is not None:
                told.append((worker.cell, event))
        return told

    def _arrived(self, seconds: float) -> "Iterator[tuple[_Worker, bytes]]":
        """Yield the waiting lines, after at most `seconds` for the first."""
        with contextlib.suppress(queue.Empty):
            yield self._lines.get(timeout=seconds)
            while True:
                yield self._lines.get_nowait()

    def _end(self, worker: "_Worker") -> Mapping[str, Any]:
        self._workers.remove(worker)
        return worker.end()


def _require_place(out: Path) -> None:
    """Refuse a file in the place of the folder `out`; the folder is not made, because a dry run must leave nothing behind."""
    nearest = next(place for place in (out, *out.parents) if present(place))
    if not nearest.is_dir():
        raise InputError(f"{out}: cannot be used for results ({nearest} is a file; expected a folder)")


class _Worker:
    """A process. A thread passes its lines to `lines`, and an empty line when the process has closed its output."""

    def __init__(self, cell: Cell, job: Mapping[str, Any], lines: "queue.SimpleQueue[tuple[_Worker, bytes]]") -> None:
        self.cell = cell
        self._end: Mapping[str, Any] | None = None
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `end`)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "darlr.sweep.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=os.environ | ONE_THREAD,
            start_new_session=True,
            creationflags=APART,
        )
        self._input = _pipe(self._process.stdin)
        with contextlib.suppress(BrokenPipeError):  # it died at once; `end` reports how
            self._input.write(json.dumps({**job, "values": cell.values}).encode() + b"\n")
            self._input.flush()
        threading.Thread(target=self._listen, args=(_pipe(self._process.stdout), lines), daemon=True).start()

    def _listen(self, output: IO[bytes], lines: "queue.SimpleQueue[tuple[_Worker, bytes]]") -> None:
        with output:
            for line in output:
                if line.endswith(b"\n"):  # a killed process may leave half an event
                    lines.put((self, line))
        lines.put((self, b""))

    def event(self, line: bytes) -> Mapping[str, Any] | None:
        """Return the event in a line; None for the last event, which `end` returns."""
        event: Mapping[str, Any] = json.loads(line)
        if event["event"] not in ENDS:
            return event
        self._end = event
        return None

    def end(self) -> Mapping[str, Any]:
        """Wait for the end of a process that is silent or was told to stop, and return how it ended."""
        self.stop()
        try:
            code = self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._errors.seek(0)
        printed = self._errors.read().decode(errors="replace").strip()
        self._errors.close()
        return self._end or {"event": "failed", "error": _death(code), "traceback": printed or None, "transient": True}

    def stop(self) -> None:
        """Tell the process to end, by closing its input."""
        with contextlib.suppress(BrokenPipeError):  # it is dead already
            self._input.close()


def _pipe(end: IO[bytes] | None) -> IO[bytes]:
    if end is None:
        raise ValueError("a process started with a pipe has one")
    return end


def _death(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        hint = ", perhaps for want of memory" if name == "SIGKILL" else ""
        return f"its process was killed by {name}{hint}; the same command goes on from its last checkpoint"
    return f"its process ended with exit code {code} and no result"
