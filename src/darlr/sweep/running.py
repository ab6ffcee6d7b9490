"""Working on the cells of a plan: who waits for whom, what is tried again, and who is told. Where is an executor's affair."""

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
MOST_LOSSES = 3  # of one cell: one that takes its machine down with it has to end, too

Told = tuple[Cell, Mapping[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """How a cell ended, and after how many seconds; `error` is a line, None for a finished cell.

    A defect has its `traceback`; a refusal and a killed process have none. `cpu_seconds` are those of its own process, 0 if
    that was killed or if another sweep finished the cell (`elsewhere`).

    Attributes:
        stopped: the watcher had it stopped before its end, which is no error.
        transient: what stopped it may pass, as a killed process and a full disk do; the same run may end well another time.
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
    """Is told how a sweep gets on."""

    def started(self, cell: Cell) -> None:
        """A process begins to work on `cell`."""

    def event(self, cell: Cell, event: Mapping[str, Any]) -> bool | None:
        """The cell told of its progress (the events of `darlr.sweep.worker`); True stops it."""

    def put_back(self, cell: Cell, reason: str) -> None:
        """The cell was not ended, and waits to be started again."""

    def ended(self, outcome: Outcome) -> None:
        """A cell is finished or has failed; one that was finished elsewhere was not started here."""

    def tick(self) -> None:
        """About a second went by."""


class Executor(Protocol):
    """Where cells are worked on, each in a fresh process with one thread. Leaving its `with` block ends all that still runs."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    @property
    def slots(self) -> int:
        """How many cells it may work on now."""

    def start(self, cell: Cell) -> None:
        """Begin to work on `cell`."""

    def stop(self, cell: Cell) -> None:
        """End the work on `cell`, which was started; nothing more is heard of it."""

    def heard(self, seconds: float) -> list[Told]:
        """What cells told, waiting at most `seconds` for it; the last event of every cell that was started is one of `ENDS`."""


class Queue:
    """Cells that wait, given out so that no two at a time fit the same world model, and none that others work on."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._waiting = list(cells)
        self._fitting: dict[Path, Cell] = {}
        self._busy: set[Path] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self) -> Cell | None:
        """The first cell whose world model is there, or that may fit it now; None if all have to wait."""
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
        """The cell waits again; if it is `busy`, until the process that works on it lets go of its folder."""
        self._waiting.insert(0, cell)
        if busy:
            self._busy.add(cell.run)

    def has_world_model(self, cell: Cell) -> None:
        """The cell has its world model, or ended without: others need not wait for it any longer."""
        if self._fitting.get(cell.world_model) is cell:
            del self._fitting[cell.world_model]


def run_cells(cells: Sequence[Cell], executor: Executor, watcher: Watcher) -> list[Outcome]:
    """Train `cells` on an executor that was entered; their outcomes in the order in which they ended.

    A cell that fails stops no other. One that another process works on is waited for, and done here only if that one leaves it
    unfinished. One that its executor lost goes on from its last checkpoint, `MOST_LOSSES` times at most.
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
            if cell.run not in started:  # stopped, and what it told meanwhile
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
