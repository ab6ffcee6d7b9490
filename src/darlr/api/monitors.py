"""Monitors, which are told about a run's progress: a silent one by default, a callback, or a progress bar."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from darlr.errors import InputError
from darlr.report.rendering.terminal import shown
from darlr.run import training


class Monitor:
    """Is told about a run's progress; override the methods for the events that you want. Each does nothing by default."""

    def notice(self, text: str) -> None:
        """Called with a line that the user should know about the run."""

    def fitting(self, epoch: int, epochs: int, share: float) -> None:
        """Called while the world model is fitted: `share` of its epoch is done, of `epochs` at most."""

    def fitted(self, epoch: int, epochs: int, loss: float) -> None:
        """Called after an epoch of the world model's fit; `loss` is the loss on held-out rows."""

    def learning(self, done: int, epochs: int) -> None:
        """Called when the policy starts to learn or resumes after `done` epochs, of `epochs` in all."""

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        """Called after an epoch of the policy, with its `record` as in `Run.metrics`; there are `epochs` in all."""


class Recorder(Monitor):
    """Keeps the notices for the user, and passes all events on to another monitor if there is one."""

    def __init__(self, listener: training.Monitor | None) -> None:
        self._listener = listener
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)
        if self._listener is not None:
            self._listener.notice(text)

    def fitting(self, epoch: int, epochs: int, share: float) -> None:
        if self._listener is not None:
            self._listener.fitting(epoch, epochs, share)

    def fitted(self, epoch: int, epochs: int, loss: float) -> None:
        if self._listener is not None:
            self._listener.fitted(epoch, epochs, loss)

    def learning(self, done: int, epochs: int) -> None:
        if self._listener is not None:
            self._listener.learning(done, epochs)

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        if self._listener is not None:
            self._listener.trained(record, epochs)


class ProgressBar(Monitor):
    """Shows a bar for the world model and one for the policy in a terminal or a notebook; prints nothing elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        shown = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=shown,
            disable=not (shown.is_terminal or shown.is_jupyter),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def notice(self, text: str) -> None:
        if not self._progress.disable:
            self._progress.console.print(shown(f"note: {text}"))

    def fitting(self, epoch: int, epochs: int, share: float) -> None:
        self._show("world model", epoch - 1 + share, epochs)

    def fitted(self, epoch: int, epochs: int, loss: float) -> None:
        self._show("world model", epoch, epochs)

    def learning(self, done: int, epochs: int) -> None:
        self._show("policy", done, epochs)

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        self._show("policy", record["epoch"], epochs)

    def _show(self, stage: str, done: float, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total)
        self._progress.update(self._tasks[stage], completed=done)


@contextmanager
def listening(monitor: training.Monitor | None, progress: bool) -> Iterator[Recorder]:
    """Yield the monitor for a call of `train` or its kin.

    Raises:
        InputError: if both a monitor and a progress bar are asked for.
    """
    if monitor is not None and progress:
        raise InputError("both a monitor and progress=True are given; expected one of them")
    if not progress:
        yield Recorder(monitor)
        return
    with ProgressBar() as bar:
        yield Recorder(bar)
