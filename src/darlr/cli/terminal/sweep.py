"""Terminal output of a sweep: a bar for the whole and one for every running cell, plain lines elsewhere."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from darlr.cli.terminal.run import figures_of
from darlr.report.rendering.table import Table
from darlr.report.rendering.terminal import shown
from darlr.sweep.costs import Cost, in_words, total
from darlr.sweep.plan import Cell
from darlr.sweep.running import Outcome
from darlr.text import counted, visible

SECONDS_BETWEEN_LINES = 60.0
SECONDS_OF_PACE = 1800.0
SHORT = 60.0  # seconds: what runs of less tell of a speed is mostly how busy the machine was


class SweepMonitor:
    """Shows a sweep's progress on standard error; `costs` weigh the cells in the bar of the whole."""

    def __init__(self, cells: Sequence[Cell], costs: Mapping[Path, Cost], console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, soft_wrap=True)
        self._weights = {cell.run: costs[cell.run].learning + costs[cell.run].fit for cell in cells}
        self._done: dict[Path, float] = {}
        self._bars: dict[Path, TaskID] = {}
        self._lines: dict[Path, str] = {}
        self._notices: set[str] = set()
        self._ended = self._failed = 0
        self._printed = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[figures]}", markup=False),
            console=self._console,
            disable=not self._console.is_terminal,
            speed_estimate_period=SECONDS_OF_PACE,
        )
        self._whole = self._progress.add_task("all cells", total=sum(self._weights.values()), figures="")

    def __enter__(self) -> Self:
        self._progress.start()
        self._show_whole()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for bar in self._bars.values():
            self._progress.remove_task(bar)
        self._progress.stop()

    def started(self, cell: Cell) -> None:
        self._bars[cell.run] = self._progress.add_task(visible(cell.label), total=cell.config.training.epochs, figures="starts")
        self._lines[cell.run] = f"{cell.label}: starts"
        if not self._console.is_terminal:
            self._print(self._lines[cell.run])

    def notice(self, text: str) -> None:
        """Print a line."""
        self._print(f"note: {text}")

    def event(self, cell: Cell, event: Mapping[str, Any]) -> None:
        kind = event["event"]
        if kind == "notice":
            if event["text"] not in self._notices:
                self._notices.add(event["text"])
                self._print(f"{cell.label}: note: {event['text']}")
        elif kind == "fitting":
            self._show(cell, 0, f"world model: epoch {event['epoch']} of at most {event['epochs']}, {event['share']:.0%}")
        elif kind == "fitted":
            self._show(cell, 0, f"world model: epoch {event['epoch']} of at most {event['epochs']}")
        elif kind == "learning":
            self._show(cell, event["done"], f"policy: epoch {event['done']}/{event['epochs']}")
        else:
            done = event["record"]["epoch"]
            self._show(cell, done, ", ".join([f"policy: epoch {done}/{event['epochs']}", *self._figures(event["record"])]))

    def put_back(self, cell: Cell, reason: str) -> None:
        self._remove(cell)
        self._print(f"{cell.label}: put aside, to be started again: {reason}")

    def ended(self, outcome: Outcome) -> None:
        self._close(outcome)
        self._print(f"[{self._ended}/{len(self._weights)}] {outcome.cell.label}: {_ending(outcome)}")
        if outcome.traceback is not None:
            for line in outcome.traceback.splitlines():
                self._print(line)

    def tick(self) -> None:
        if self._console.is_terminal or time.monotonic() - self._printed < SECONDS_BETWEEN_LINES:
            return
        for line in self._lines.values():
            self._print(line)
        self._printed = time.monotonic()

    def _figures(self, record: Mapping[str, Any]) -> list[str]:
        return figures_of(record)

    def _close(self, outcome: Outcome) -> None:
        """Remove the bar of an ended cell."""
        self._ended += 1
        self._failed += outcome.error is not None
        self._remove(outcome.cell)
        self._done[outcome.cell.run] = self._weights[outcome.cell.run]
        self._show_whole()

    def _show(self, cell: Cell, done: int, line: str) -> None:
        self._lines[cell.run] = f"{cell.label}: {line}"
        self._progress.update(self._bars[cell.run], completed=done, figures=line)
        begun = cell.epochs
        self._done[cell.run] = self._weights[cell.run] * (done - begun) / max(cell.config.training.epochs - begun, 1)
        self._show_whole()

    def _remove(self, cell: Cell) -> None:
        if cell.run in self._bars:
            self._progress.remove_task(self._bars.pop(cell.run))
            del self._lines[cell.run]

    def _show_whole(self) -> None:
        failed = f", {self._failed} failed" if self._failed else ""
        figures = f"{self._ended}/{len(self._weights)} cells{failed}"
        self._progress.update(self._whole, completed=sum(self._done.values()), figures=figures)

    def _print(self, line: str) -> None:
        self._console.print(shown(line))
        self._printed = time.monotonic()


def _ending(outcome: Outcome) -> str:
    if outcome.error is not None:
        return f"failed: {outcome.error}"
    return "finished by another sweep" if outcome.elsewhere else f"finished in {in_words(outcome.seconds)}"


MARKS = {
    "": "Seconds are those by the clock of finished runs like the cell; a machine that was busy then makes them too many.",
    "~": f"~: from finished runs like it that took less than {SHORT:.0f} s together, so that it may be far off.",
    "?": "?: no finished run is like it; a guess from another machine's speed.",
}
"""The mark behind a cell's cost, and its meaning."""


def _mark(cost: Cost) -> str:
    return "?" if cost.seconds == 0 else "~" if cost.seconds < SHORT else ""


def plan_table(cells: Sequence[Cell], costs: Mapping[Path, Cost], workers: int) -> Table:
    """Return a table of every cell, its progress, and its remaining cost."""
    rows = []
    for cell in cells:
        cost = costs.get(cell.run)
        state = "finished" if cell.finished else f"epoch {cell.epochs}/{cell.config.training.epochs}" if cell.begun else "new"
        left = "" if cost is None else f"{in_words(cost.learning)} {_mark(cost)}".rstrip()
        rows.append((cell.label, state, left, cell.run.name))
    totals = total(cells, costs, workers)
    finished = sum(cell.finished for cell in cells)
    fits = len({cell.world_model for cell in cells if not cell.finished and cell.needs_fit()})
    notes = [
        f"{counted(len(cells), 'cell')}, {finished} finished, {len(cells) - finished} to do; "
        f"{counted(fits, 'world model')} to fit",
        f"left: about {in_words(totals.cpu_seconds)} of one core, {in_words(totals.seconds)} with "
        f"{counted(workers, 'worker')}, {totals.memory_mib:,.0f} MiB of memory",
    ]
    notes += [note for mark, note in MARKS.items() if any(_mark(cost) == mark for cost in costs.values())]
    return Table("cells", ("cell", "state", "left", "run"), tuple(rows), tuple(notes))
