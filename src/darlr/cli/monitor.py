"""What the terminal shows: progress bars where somebody watches, plain lines elsewhere, tables at the end."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from darlr.cli import SECONDS_BETWEEN_LINES
from darlr.cli.tables import print_table
from darlr.evaluation.modes import GREEDY, HELD_OUT, NX_0, POLICIES
from darlr.evaluation.table import NDCG, RETURN
from darlr.report.analysis.results import end_of_run
from darlr.run.training import Finished

SECONDS_OF_PACE = 600.0
SHOWN = {
    **{RETURN.recorded(NX_0, policy): policy for policy in POLICIES},
    NDCG.recorded(HELD_OUT, GREEDY): NDCG.label,
}


def figures_of(record: Mapping[str, Any]) -> list[str]:
    """Speed and results of an epoch, a few words each."""
    shown = [f"{label} {record[name]:.2f}" for name, label in SHOWN.items() if record.get(name) is not None]
    return [*pace_of(record), *shown]


def pace_of(record: Mapping[str, Any]) -> list[str]:
    """Steps a second of sampling and learning in an epoch; nothing of a static method, which does neither."""
    seconds = record.get("seconds/sampling", 0.0) + record.get("seconds/learning", 0.0)
    return [f"{record['train/steps'] / seconds:,.0f} steps/s"] if seconds > 0 else []


@dataclass
class _Stage:
    """A stage of the run: epochs done, a running one by its share, and the newest line if it was not printed."""

    name: str
    task: TaskID
    first: float
    started: float
    printed: float = float("-inf")
    done: float = 0
    line: str = ""


class TerminalMonitor:
    """Shows a run's progress on standard error, so that standard output holds results alone."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            TextColumn("{task.fields[figures]}"),
            console=self._console,
            disable=not self._console.is_terminal,
            speed_estimate_period=SECONDS_OF_PACE,
        )
        self._stage: _Stage | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def notice(self, text: str) -> None:
        self._print(f"note: {text}")

    def fitting(self, epoch: int, epochs: int, share: float) -> None:
        self._show("world model", epoch - 1 + share, epochs, f"{share:.0%} of it")

    def fitted(self, epoch: int, epochs: int, loss: float) -> None:
        self._show("world model", epoch, epochs, f"loss {loss:.4f}")

    def learning(self, done: int, epochs: int) -> None:
        self._show("policy", done, epochs, "first epoch" if done == 0 else "resumed")

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        self._show("policy", record["epoch"], epochs, ", ".join(figures_of(record)))

    def _show(self, name: str, done: float, total: int, figures: str) -> None:
        if self._stage is None or self._stage.name != name or done < self._stage.done:  # a second world model is fitted
            self._end_stage()
            task = self._progress.add_task(name, total=total, completed=max(int(done) - 1, 0), figures="")
            self._stage = _Stage(name, task, first=done, started=time.monotonic())
        stage = self._stage
        stage.done, stage.line = done, f"{name}: epoch {math.ceil(done)}/{total}, {figures}"
        self._progress.update(stage.task, completed=done, figures=figures)
        now = time.monotonic()
        if self._console.is_terminal or (done < total and now - stage.printed < SECONDS_BETWEEN_LINES):
            return
        left = ""
        if stage.first < done < total:
            pace = (now - stage.started) / (done - stage.first)
            left = f", about {pace * (total - done):.0f} s left"
        self._print(stage.line + left)
        stage.printed, stage.line = now, ""

    def _end_stage(self) -> None:
        """The stage before is over, though it may have stopped before its last epoch."""
        if self._stage is not None:
            self._progress.update(self._stage.task, total=self._stage.done)
            if self._stage.line and not self._console.is_terminal:
                self._print(self._stage.line)

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False)

    def finished(self, run: Finished) -> None:
        """The tables of a finished run, and where its files are."""
        self._end_stage()
        self._progress.stop()
        for table in end_of_run([run.summary], run.dataset, run.config.method):
            print_table(table)
        speed = run.summary["steps_per_second"]
        pace = "" if speed is None else f"{speed:,.0f} steps/s, "  # a static method learns nothing
        print(f"{pace}peak memory {run.summary['peak_memory_mib']:,.0f} MiB")
        print(f"results: {run.path}")
        print(f"learning curve: {run.path / 'learning_curve.png'}")
