"""Terminal output of a run: progress bars in a terminal, plain lines elsewhere, tables at the end."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from darlr.api.run import Run
from darlr.cli.terminal import SECONDS_BETWEEN_LINES
from darlr.cli.terminal.tables import print_table
from darlr.evaluation.modes import GREEDY, HELD_OUT, NX_0, POLICIES
from darlr.evaluation.table import NDCG, RETURN
from darlr.report.rendering.terminal import shown
from darlr.text import visible

SECONDS_OF_PACE = 600.0
SHOWN = {
    **{RETURN.recorded(NX_0, policy): policy for policy in POLICIES},
    NDCG.recorded(HELD_OUT, GREEDY): NDCG.label,
}


def figures_of(record: Mapping[str, Any]) -> list[str]:
    """Return speed and results of an epoch, a few words each."""
    shown = [f"{label} {record[name]:.2f}" for name, label in SHOWN.items() if record.get(name) is not None]
    return [*pace_of(record), *shown]


def pace_of(record: Mapping[str, Any]) -> list[str]:
    """Return steps per second of sampling and learning in an epoch; empty for a static method, which does neither."""
    seconds = record.get("seconds/sampling", 0.0) + record.get("seconds/learning", 0.0)
    return [f"{record['train/steps'] / seconds:,.0f} steps/s"] if seconds > 0 else []


@dataclass
class _Stage:
    """A stage of the run, whose `total` epochs are an upper limit if it may end before.

    Attributes:
        first: number of epochs done when it `started` (seconds of the monotonic clock).
        done: number of epochs done, including the share of a running one.
        line: the newest line, if it was not printed.
        best, best_epoch: the lowest loss so far, and its epoch.
    """

    name: str
    task: TaskID
    total: int
    first: float
    started: float
    may_end_before: bool
    printed: float = float("-inf")
    done: float = 0
    line: str = ""
    best: float = math.inf
    best_epoch: int | None = None

    def seconds_until(self, epoch: float, now: float) -> float:
        """Return the seconds from `now` until `epoch` is done, at the pace so far."""
        return max(epoch - self.done, 0) * (now - self.started) / (self.done - self.first)


class _TimeLeft(TimeRemainingColumn):
    """The time left of a stage, as an upper limit if the stage may end before its last epoch."""

    def render(self, task: Task) -> Text:
        left = super().render(task)
        return Text.assemble("at most ", left) if task.fields["bound"] and not task.finished else left


class TerminalMonitor:
    """Shows a run's progress on standard error, so that standard output holds results alone."""

    def __init__(self, patience: int, console: Console | None = None) -> None:
        """
        Args:
            patience: number of epochs without a lower loss after which the fit of a world model ends.
            console: the console; by default standard error.
        """
        self._patience = patience
        self._console = console or Console(stderr=True, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            _TimeLeft(compact=True, elapsed_when_finished=True),
            TextColumn("{task.fields[figures]}", markup=False),
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
        self._show(self._fit(epoch - 1 + share, epochs), epoch - 1 + share, f"{share:.0%} of it")

    def fitted(self, epoch: int, epochs: int, loss: float) -> None:
        stage = self._fit(epoch, epochs)
        if loss < stage.best:
            stage.best, stage.best_epoch = loss, epoch
        self._show(stage, epoch, f"loss {loss:.4f}")

    def learning(self, done: int, epochs: int) -> None:
        if done == epochs:
            self.notice("every epoch was learned before; the last policy is tested again")
        self._show(self._enter("policy", done, epochs), done, "first epoch" if done == 0 else "resumed")

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        done = record["epoch"]
        self._show(self._enter("policy", done, epochs), done, ", ".join(figures_of(record)))

    def _fit(self, done: float, total: int) -> _Stage:
        return self._enter("world model", done, total, may_end_before=True)

    def _enter(self, name: str, done: float, total: int, may_end_before: bool = False) -> _Stage:
        """Return the stage `name`: the running one, or a new one if epochs begin again, as in the fit of a second world
        model.
        """
        if self._stage is None or self._stage.name != name or done < self._stage.done:
            self._end_stage()
            completed = max(int(done) - 1, 0)
            task = self._progress.add_task(name, total=total, completed=completed, figures="", bound=may_end_before)
            self._stage = _Stage(name, task, total, done, time.monotonic(), may_end_before)
        return self._stage

    def _show(self, stage: _Stage, done: float, figures: str) -> None:
        of = "/" if not stage.may_end_before else " of at most "
        stage.done, stage.line = done, f"{stage.name}: epoch {math.ceil(done)}{of}{stage.total}, {figures}"
        self._progress.update(stage.task, completed=done, figures=figures)
        now = time.monotonic()
        if self._console.is_terminal or (done < stage.total and now - stage.printed < SECONDS_BETWEEN_LINES):
            return
        self._print(stage.line + self._left(stage, now))
        stage.printed, stage.line = now, ""

    def _left(self, stage: _Stage, now: float) -> str:
        """Return the end of a line with the remaining time of the stage, if its pace is known."""
        if not stage.first < stage.done < stage.total:
            return ""
        seconds = stage.seconds_until(stage.total, now)
        if not stage.may_end_before:
            return f", about {seconds:.0f} s left"
        text = f", at most {seconds:.0f} s left"
        if stage.best_epoch is None or (end := stage.best_epoch + self._patience) >= stage.total:
            return text
        return f"{text}, about {stage.seconds_until(end, now):.0f} s if the loss falls no further"

    def _end_stage(self) -> None:
        """End the previous stage, which may have stopped before its last epoch."""
        if self._stage is not None:
            self._progress.update(self._stage.task, total=self._stage.done)
            if self._stage.line and not self._console.is_terminal:
                self._print(self._stage.line)

    def _print(self, line: str) -> None:
        self._console.print(shown(line))

    def finished(self, run: Run) -> None:
        """Print the tables of a finished run, and the place of its files."""
        self._end_stage()
        self._progress.stop()
        for table in run.results():
            print_table(table)
        summary = run.summary
        speed = summary["steps_per_second"]
        pace = "" if speed is None else f"{speed:,.0f} steps/s, "  # a static method learns nothing
        print(f"{pace}peak memory {summary['peak_memory_mib']:,.0f} MiB")
        print(visible(f"results: {run.path}"))
        print(visible(f"learning curve: {run.path / 'learning_curve.png'}"))
