"""Studies small enough for tests, whose runs are trained in this process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from darlr.config.loading import merge
from darlr.data.registry import load
from darlr.methods.experiment import experiment_config
from darlr.sweep.plan import Cell
from darlr.sweep.running import Executor, Outcome, Watcher
from darlr.sweep.worker import work
from darlr.tuning.design import Design
from darlr.tuning.trials import Trial
from darlr.tuning.tuner import tune
from tests.runs import SMALL, SMALL_WORLD

VALUES = merge(merge(SMALL, SMALL_WORLD), {"dataset": "synthetic", "method": "mbpo", "a2c": {"minibatch_size": 64}})
SPACE = "a2c.learning_rate: {low: 0.001, high: 0.1, log: true}\na2c.discount: [0.5, 0.9, 0.99]\n"


class StoppedError(Exception):
    """The study was stopped from outside."""


class Notes:
    """A watcher that remembers its events; it stops everything at the epoch `stop_after` of all runs together."""

    def __init__(self, stop_after: int = 0) -> None:
        self.started_cells: list[str] = []
        self.epochs: list[tuple[str, int]] = []
        self.tried_trials: list[Trial] = []
        self.notices: list[str] = []
        self._stop_after = stop_after

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def begin(self, cells: Sequence[Cell]) -> None:
        pass

    def started(self, cell: Cell) -> None:
        self.started_cells.append(cell.label)

    def event(self, cell: Cell, event: Mapping[str, Any]) -> None:
        if event["event"] == "trained":
            self.epochs.append((cell.label, event["record"]["epoch"]))
            if len(self.epochs) == self._stop_after:
                raise StoppedError

    def put_back(self, cell: Cell, reason: str) -> None:
        pass

    def ended(self, outcome: Outcome) -> None:
        pass

    def tick(self) -> None:
        pass

    def tried(self, trial: Trial) -> None:
        self.tried_trials.append(trial)


class _GivenUp(BaseException):
    """Imitates the end of a process that was told to stop."""


def run_here(cells: Sequence[Cell], executor: "Here", watcher: Watcher) -> list[Outcome]:
    """`run_cells`, one cell after the other in this process."""
    outcomes = []
    for cell in cells:
        watcher.started(cell)
        if cell.label == executor.dying:
            outcomes.append(Outcome(cell, 0.0, "its process was killed", transient=True))
            watcher.ended(outcomes[-1])
            continue
        ending: list[BaseException] = []

        def send(event: Mapping[str, Any], cell: Cell = cell, ending: list[BaseException] = ending) -> None:
            try:
                stop = watcher.event(cell, event)
            except StoppedError as error:
                ending.append(error)
                raise _GivenUp from error
            if stop:
                raise _GivenUp

        try:
            last = work(cell.values, executor.data_dir, executor.out, "cpu", send)
            outcomes.append(
                Outcome(cell, 0.0, last.get("error"), last.get("traceback"), transient=last.get("transient", False))
            )
        except _GivenUp:
            if ending:
                raise ending[0] from None
            outcomes.append(Outcome(cell, 0.0, stopped=True))
        watcher.ended(outcomes[-1])
    return outcomes


@dataclass(frozen=True)
class Here:
    """Imitates an executor: `run_here` trains here, and the process of the cell `dying` is killed at once."""

    data_dir: Path | None
    out: Path
    dying: str = ""


def study(
    out: Path,
    trials: int,
    notes: Notes | None = None,
    space: str = SPACE,
    seeds: Sequence[int] = (0,),
    pruning: bool = True,
    data_dir: Path | None = None,
    epochs: bool = True,
    dying: str = "",
    judge: str = "referee",
    **changes: Any,
) -> tuple[Design, list[Trial]]:
    """Work on a study of small runs, with the settings `VALUES` and `changes`; `epochs` sets the length of learning."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "space.yaml").write_text(space)
    values = merge(VALUES, changes)
    if "dataset" in changes:
        del values["synthetic"]
    if not epochs:
        values["training"] = {key: value for key, value in values["training"].items() if key != "epochs"}
    loaded = load(experiment_config(values), data_dir)
    design = Design.of(values, str(out / "space.yaml"), seeds, pruning, loaded, judge)
    return design, tune(design, loaded, trials, cast(Executor, Here(data_dir, out, dying)), out, notes or Notes())
