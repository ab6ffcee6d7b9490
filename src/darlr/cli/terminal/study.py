"""What the terminal shows of a study: a bar for all trials and one for every running one, plain lines elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from darlr.cli.terminal.run import pace_of
from darlr.cli.terminal.sweep import SweepMonitor
from darlr.sweep.plan import Cell
from darlr.sweep.running import Outcome
from darlr.tuning.measure import RETURN
from darlr.tuning.trials import Trial, best_of


class TuningMonitor(SweepMonitor):
    """Shows a study's progress on standard error, and nothing of the truth: it has no part in the study.

    Args: trials: of the study; seeds: runs of a trial.
    """

    def __init__(self, trials: int, seeds: int, console: Console | None = None) -> None:
        super().__init__((), {}, console)
        self._seeds = seeds
        self._trials = trials
        self._tried: list[Trial] = []
        self._progress.update(self._whole, description="all trials", total=trials)

    def begin(self, cells: Sequence[Cell]) -> None:
        """The next runs."""
        self._weights |= {cell.run: 1 / self._seeds for cell in cells}

    def ended(self, outcome: Outcome) -> None:
        self._close(outcome)
        if outcome.traceback is not None:
            self._print(outcome.traceback.rstrip())

    def tried(self, trial: Trial) -> None:
        self._tried.append(trial)
        self._done.clear()  # of the runs; their trials are counted from now on
        self._show_whole()
        ending = {"finished": _digits(trial.value), "pruned": "stopped early"}.get(trial.state, f"failed: {trial.error}")
        best = best_of(self._tried)
        so_far = "" if best is None else f"; best so far: {_digits(best.value)}, trial {best.number}"
        self._print(f"[{len(self._tried)}/{self._trials}] trial {trial.number}: {ending}{so_far}")

    def _figures(self, record: Mapping[str, Any]) -> list[str]:
        measured = [f"referee {_digits(record[RETURN])}"] if RETURN in record else []
        return [*pace_of(record), *measured]

    def _show_whole(self) -> None:
        completed = len(self._tried) + sum(self._done.values())
        self._progress.update(self._whole, completed=completed, figures=f"{len(self._tried)}/{self._trials} trials")


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
