"""Working on cells with several processes of this machine, each cell in a fresh one."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

from darlr.sweep.plan import Cell

SECONDS_BETWEEN_TICKS = 1.0
SECONDS_TO_END = 10.0
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Outcome:
    """How a cell ended, and after how many seconds; `error` is a line, None for a finished cell.

    A defect has its `traceback`; a refusal and a killed process have none.
    """

    cell: Cell
    seconds: float
    error: str | None = None
    traceback: str | None = None


class Watcher(Protocol):
    """Is told how a sweep gets on."""

    def started(self, cell: Cell) -> None:
        """A process has begun to work on `cell`."""

    def event(self, cell: Cell, event: Mapping[str, Any]) -> None:
        """The cell told of its progress (the events of `darlr.sweep.worker`)."""

    def ended(self, outcome: Outcome) -> None:
        """A cell is finished or has failed."""

    def tick(self) -> None:
        """About a second went by."""


class Queue:
    """Cells that wait, given out so that no two at a time fit the same world model."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._waiting = list(cells)
        self._fitting: dict[Path, Cell] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self) -> Cell | None:
        """The first cell whose world model is there, or that may fit it now; None if all have to wait for a fit."""
        for index, cell in enumerate(self._waiting):
            needs_fit = cell.needs_fit()
            if needs_fit and cell.world_model in self._fitting:
                continue
            if needs_fit:
                self._fitting[cell.world_model] = cell
            return self._waiting.pop(index)
        return None

    def has_world_model(self, cell: Cell) -> None:
        """The cell has its world model, or ended without: others need not wait for it any longer."""
        if self._fitting.get(cell.world_model) is cell:
            del self._fitting[cell.world_model]


def run_cells(
    cells: Sequence[Cell], workers: int, data_dir: Path | None, out: Path, device: str, watcher: Watcher
) -> list[Outcome]:
    """Train `cells` with up to `workers` processes at a time; their outcomes in the order in which they ended.

    A cell that fails stops no other. If this is interrupted, or this process dies, the workers end too; their cells go on from
    their last checkpoints later.
    """
    queue, outcomes = Queue(cells), list[Outcome]()
    job = {"data_dir": None if data_dir is None else str(data_dir), "out": str(out), "device": device}
    with _Workers() as running:
        while queue or running:
            while len(running) < workers and (cell := queue.take()) is not None:
                running.start(cell, job)
                watcher.started(cell)
            for worker in running.heard(SECONDS_BETWEEN_TICKS):
                for event in worker.events():
                    if event["event"] in ("learning", "trained"):
                        queue.has_world_model(worker.cell)
                    watcher.event(worker.cell, event)
                if worker.silent:
                    queue.has_world_model(worker.cell)
                    outcomes.append(running.end(worker))
                    watcher.ended(outcomes[-1])
            watcher.tick()
    return outcomes


class _Worker:
    """A process and what is heard of it; `silent` once it has closed its end."""

    def __init__(self, cell: Cell, job: Mapping[str, Any]) -> None:
        self.cell = cell
        self.silent = False
        self._started = time.monotonic()
        self._heard = b""
        self._last: Mapping[str, Any] = {}
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `end`)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "darlr.sweep.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=os.environ | ONE_THREAD,
            start_new_session=True,  # Ctrl-C is for the parent, which tells the workers
        )
        self.output = _pipe(self._process.stdout)
        self._input = _pipe(self._process.stdin)
        with contextlib.suppress(BrokenPipeError):  # it died at once: `end` tells how
            self._input.write(json.dumps({**job, "values": cell.values}).encode() + b"\n")
            self._input.flush()

    def events(self) -> list[Mapping[str, Any]]:
        """What arrived; it blocks unless there is something to read."""
        chunk = os.read(self.output.fileno(), 1 << 16)
        self.silent = not chunk
        *lines, self._heard = (self._heard + chunk).split(b"\n")
        events = [json.loads(line) for line in lines]
        if events:
            self._last = events[-1]
        return [event for event in events if event["event"] not in ("finished", "failed")]

    def end(self) -> Outcome:
        """Wait for the end of a process that is silent or was told to stop, and say how it ended."""
        self.stop()
        try:
            code = self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self.output.close()
        self._errors.seek(0)
        printed = self._errors.read().decode(errors="replace").strip()
        self._errors.close()
        seconds = time.monotonic() - self._started
        if self._last.get("event") == "finished":
            return Outcome(self.cell, seconds)
        if self._last.get("event") == "failed":
            return Outcome(self.cell, seconds, self._last["error"], self._last["traceback"])
        return Outcome(self.cell, seconds, _death(code), printed or None)

    def stop(self) -> None:
        """Tell the process to end: its input does."""
        with contextlib.suppress(BrokenPipeError):  # it is dead already
            self._input.close()


class _Workers:
    """The processes that run; leaving the `with` block ends them all."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for worker in self._workers:
            worker.stop()
        for worker in list(self._workers):
            self.end(worker)
        self._selector.close()

    def __len__(self) -> int:
        return len(self._workers)

    def start(self, cell: Cell, job: Mapping[str, Any]) -> None:
        worker = _Worker(cell, job)
        self._workers.append(worker)
        self._selector.register(worker.output, selectors.EVENT_READ, worker)

    def heard(self, seconds: float) -> list[_Worker]:
        """The workers that have said something or closed their end, after at most `seconds`."""
        return [key.data for key, _ in self._selector.select(seconds)]

    def end(self, worker: _Worker) -> Outcome:
        self._selector.unregister(worker.output)
        self._workers.remove(worker)
        return worker.end()


def _pipe(end: IO[bytes] | None) -> IO[bytes]:
    if end is None:
        raise ValueError("a process started with a pipe has one")
    return end


def _death(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        hint = ", perhaps for want of memory" if -code == signal.SIGKILL else ""
        return f"its process was killed by {name}{hint}; the same command goes on from its last checkpoint"
    return f"its process ended with exit code {code} and no result"
