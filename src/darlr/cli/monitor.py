"""What the terminal shows: progress bars where somebody watches, plain lines elsewhere, tables at the end."""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from darlr.artifacts import write_bytes
from darlr.artifacts.files import encode_json
from darlr.errors import InputError
from darlr.experiment.run import Finished
from darlr.report.results import end_of_run
from darlr.report.table import Table, to_csv, to_markdown, to_rich

SECONDS_BETWEEN_LINES = 10.0
SHOWN = {"nx_0/sampled/r_tra": "sampled", "nx_0/greedy/r_tra": "greedy", "held_out/greedy/ndcg_10": "NDCG"}


class TerminalMonitor:
    """Shows a run's progress on standard error, so that standard output holds results alone."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._last_line = float("-inf")
        self._started = time.monotonic()
        self._first_epoch = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def notice(self, text: str) -> None:
        self._console.print(f"note: {text}", markup=False, highlight=False)

    def fitted(self, epoch: int, epochs: int, loss: float) -> None:
        self._show("world model", epoch, epochs, f"held-out loss {loss:.4f}", last=False)

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        seconds = record["seconds/sampling"] + record["seconds/learning"]
        steps = record["train/steps"] / seconds if seconds > 0 else 0.0
        figures = f"{steps:,.0f} steps/s"
        for name, label in SHOWN.items():
            if record.get(name) is not None:
                figures += f", {label} {record[name]:.2f}"
        self._show("policy", record["epoch"], epochs, figures, last=record["epoch"] == epochs)

    def _show(self, stage: str, done: int, total: int, figures: str, last: bool) -> None:
        if self._console.is_terminal:
            if stage not in self._tasks:
                self._tasks[stage] = self._progress.add_task(stage, total=total, completed=done - 1, figures="")
            self._progress.update(self._tasks[stage], completed=done, figures=figures)
            return
        if stage not in self._tasks:
            self._tasks[stage] = TaskID(len(self._tasks))
            self._started, self._first_epoch = time.monotonic(), done
        now = time.monotonic()
        if last or now - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = now
            pace = (now - self._started) / max(done - self._first_epoch, 1)
            left = f", about {pace * (total - done):.0f} s left" if done > self._first_epoch and not last else ""
            print(f"{stage}: epoch {done}/{total}, {figures}{left}", file=sys.stderr, flush=True)

    def finished(self, run: Finished) -> None:
        """The tables of a finished run, and where its files are."""
        self._progress.stop()
        for table in end_of_run([run.summary], run.dataset, run.config.method):
            print_table(table)
        speed = run.summary["steps_per_second"]
        print(f"{speed:,.0f} steps/s, peak memory {run.summary['peak_memory_mib']:,.0f} MiB")
        print(f"results: {run.path}")
        print(f"learning curve: {run.path / 'learning_curve.png'}")


def print_table(table: Table) -> None:
    """Print a table on standard output; without a terminal it is as wide as its content needs."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(to_rich(table))


def table_writer(path: Path) -> Callable[[Table, Mapping[str, Any]], None]:
    """A function that writes a table as CSV or Markdown, or its raw values as JSON, by the suffix of `path`."""
    encoders: dict[str, Callable[[Table, Mapping[str, Any]], str]] = {
        ".csv": lambda table, values: to_csv(table),
        ".md": lambda table, values: to_markdown(table),
        ".json": lambda table, values: encode_json(dict(values), str(path), indent=2) + "\n",
    }
    encode = encoders.get(path.suffix.lower())
    if encode is None:
        raise InputError(f"{path}: cannot write '{path.suffix}' files; expected one of {', '.join(encoders)}")
    return lambda table, values: write_bytes(path, encode(table, values).encode())
