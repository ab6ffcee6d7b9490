"""Terminal output of a study: a bar for all trials and one for every running one, plain lines elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from darlr.cli.terminal.run import pace_of
from darlr.cli.terminal.sweep import SweepMonitor
from darlr.report.rendering.table import Cell as TableCell
from darlr.report.rendering.table import Quantity, Table
from darlr.sweep.plan import Cell
from darlr.sweep.running import Outcome
from darlr.tuning.design import Design
from darlr.tuning.measure import JUDGES, meaning_of, measure_of
from darlr.tuning.trials import Trial, best_of

STATES = {"finished": "finished", "pruned": "stopped early", "failed": "failed", "begun": "not finished"}


class StudyMonitor(SweepMonitor):
    """Shows a study's progress on standard error, without the truth, which has no part in the study."""

    def __init__(self, trials: int, seeds: int, console: Console | None = None) -> None:
        """
        Args:
            trials: number of trials of the study.
            seeds: number of runs of a trial.
            console: the console; by default standard error.
        """
        super().__init__((), {}, console)
        self._seeds = seeds
        self._trials = trials
        self._tried: list[Trial] = []
        self._progress.update(self._whole, description="all trials", total=trials)

    def begin(self, cells: Sequence[Cell]) -> None:
        """Prepare for the next runs."""
        self._weights |= {cell.run: 1 / self._seeds for cell in cells}

    def ended(self, outcome: Outcome) -> None:
        self._close(outcome)
        if outcome.traceback is not None:
            for line in outcome.traceback.splitlines():
                self._print(line)

    def tried(self, trial: Trial) -> None:
        self._tried.append(trial)
        self._done.clear()  # of the runs; their trials are counted from now on
        self._show_whole()
        ending = {"finished": _digits(trial.value), "pruned": "stopped early"}.get(trial.state, f"failed: {trial.error}")
        best = best_of(self._tried)
        so_far = "" if best is None else f"; best so far: {_digits(best.value)}, trial {best.number}"
        self._print(f"[{len(self._tried)}/{self._trials}] trial {trial.number}: {ending}{so_far}")

    def _figures(self, record: Mapping[str, Any]) -> list[str]:
        measured = [f"{judge} {_digits(record[name])}" for judge in JUDGES if (name := measure_of(judge)) in record]
        return [*pace_of(record), *measured]

    def _show_whole(self) -> None:
        completed = len(self._tried) + sum(self._done.values())
        self._progress.update(self._whole, completed=completed, figures=f"{len(self._tried)}/{self._trials} trials")


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def trials_table(design: Design, trials: Sequence[Trial]) -> Table:
    """Return a table of every trial, its settings and its result."""
    best = best_of(trials)
    keys = list(design.space.dimensions)
    rows: list[tuple[TableCell, ...]] = []
    for trial in trials:
        mark = " (best)" if trial is best else ""
        measured = None if trial.value is None else Quantity(trial.value)
        settings = (str(trial.settings[key]) for key in keys)
        rows.append((f"{trial.number}{mark}", STATES[trial.state], measured, str(trial.epochs), *settings))
    title = f"{design.config.method} on {design.dataset}: {len(trials)} trials"
    notes = [f"measure: {meaning_of(design.measure)}"]
    if len(design.seeds) > 1:
        notes[0] += f", mean over the seeds {', '.join(map(str, design.seeds))}"
    return Table(title, ("trial", "state", "measure", "epochs", *keys), tuple(rows), tuple(notes))
