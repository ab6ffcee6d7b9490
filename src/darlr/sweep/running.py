"""Work on the cells of a plan: which cell waits for which, what is tried again, and events. An executor decides where cells
run.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from darlr.artifacts.run_lock import in_work
from darlr.sweep.plan import Cell
from darlr.sweep.worker import ENDS

SECONDS_BETWEEN_TICKS = 1.0
MOST_LOSSES = 3  # losses of one cell, so that a cell that always crashes its machine ends, too

Told = tuple[Cell, Mapping[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """How a cell ended.

    Attributes:
        cell: the cell.
        seconds: its time.
        error: a line; None for a finished cell.
        traceback: that of a defect; None for a refusal and for a killed process.
        cpu_seconds: those of its own process; 0 if that was killed, or if another sweep finished the cell.
        elsewhere: whether another sweep finished it.
        stopped: whether the watcher stopped it, which is not an error.
        transient: whether the cause may pass, for example a killed process or a full disk, so that the same run may succeed
            later.
    """

    cell: Cell
    seconds: float
    error: str | None = None
    traceback: str | None = None
    cpu_seconds: float = 0.0
    elsewhere: bool = False
    stopped: bool = False
    transient: bool = False


class Watcher(Protocol):
    """Is told about a sweep's progress."""

    def started(self, cell: Cell) -> None:
        """Called when a process begins to work on `cell`."""

    def event(self, cell: Cell, event: Mapping[str, Any]) -> bool | None:
        """Called with an event of the cell (see `darlr.sweep.worker`); returning True stops the cell."""

    def put_back(self, cell: Cell, reason: str) -> None:
        """Called when the cell was not finished, and waits to be started again."""

    def ended(self, outcome: Outcome) -> None:
        """Called when a cell is finished or has failed; a cell that another sweep finished was not started here."""

    def tick(self) -> None:
        """Called about once a second."""


class Executor(Protocol):
    """The place where cells run, each in a new process with one thread. Leaving its `with` block ends all that still run."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    @property
    def slots(self) -> int:
        """The number of cells that it may run now."""

    def start(self, cell: Cell) -> None:
        """Begin to work on `cell`."""

    def stop(self, cell: Cell) -> None:
        """End the work on `cell`, which was started; it sends no further events."""

    def heard(self, seconds: float) -> list[Told]:
        """Return the cells' events, after waiting at most `seconds`; the last event of every started cell is one of `ENDS`."""


class Queue:
    """Waiting cells, given out so that no two fit the same world model at once, and none that another process works on."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._waiting = list(cells)
        self._fitting: dict[Path, Cell] = {}
        self._busy: set[Path] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self) -> Cell | None:
        """Return the first cell whose world model exists, or that may fit it now; None if all have to wait."""
        for index, cell in enumerate(self._waiting):
            if cell.run in self._busy and in_work(cell.run):
                continue
            needs_fit = cell.needs_fit()
            if needs_fit and cell.world_model in self._fitting:
                continue
            if needs_fit:
                self._fitting[cell.world_model] = cell
            self._busy.discard(cell.run)
            return self._waiting.pop(index)
        return None

    def put_back(self, cell: Cell, busy: bool) -> None:
        """Let the cell wait again; if it is `busy`, until the other process has unlocked its folder."""
        self._waiting.insert(0, cell)
        if busy:
            self._busy.add(cell.run)

    def has_world_model(self, cell: Cell) -> None:
        """Note that the cell has its world model, or ended without it, so that others need not wait for it."""
        if self._fitting.get(cell.world_model) is cell:
            del self._fitting[cell.world_model]


def run_cells(cells: Sequence[Cell], executor: Executor, watcher: Watcher) -> list[Outcome]:
    """Train `cells` on an executor that was entered; return their outcomes in the order in which they ended.

    A failing cell stops no other. A cell that another process works on is waited for, and run here only if that process
    leaves it unfinished. A cell that its executor lost continues from its last checkpoint, at most `MOST_LOSSES` times.
    """
    queue, outcomes = Queue(cells), list[Outcome]()
    started: dict[Path, float] = {}
    losses: Counter[Path] = Counter()

    def end(outcome: Outcome) -> None:
        queue.has_world_model(outcome.cell)
        outcomes.append(outcome)
        watcher.ended(outcome)

    while queue or started:
        while len(started) < executor.slots and (cell := queue.take()) is not None:
            if cell.is_finished():
                end(Outcome(cell, 0.0, elsewhere=True))
                continue
            executor.start(cell)
            started[cell.run] = time.monotonic()
            watcher.started(cell)
        for cell, event in executor.heard(SECONDS_BETWEEN_TICKS):
            if cell.run not in started:  # stopped, and its events since
                continue
            kind = event["event"]
            if kind in ("learning", "trained"):
                queue.has_world_model(cell)
            if kind not in ENDS:
                if watcher.event(cell, event):
                    executor.stop(cell)
                    end(Outcome(cell, time.monotonic() - started.pop(cell.run), stopped=True))
                continue
            seconds = time.monotonic() - started.pop(cell.run)
            losses[cell.run] += kind == "lost"
            if kind == "busy" or (kind == "lost" and losses[cell.run] <= MOST_LOSSES):
                queue.has_world_model(cell)
                queue.put_back(cell, busy=kind == "busy")
                watcher.put_back(cell, event["error"])
            else:
                told = event.get("error"), event.get("traceback"), event.get("cpu_seconds", 0.0)
                end(Outcome(cell, seconds, *told, transient=event.get("transient", kind == "lost")))
        watcher.tick()
    return outcomes
