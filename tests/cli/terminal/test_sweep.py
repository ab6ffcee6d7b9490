"""The display of a sweep in a terminal, and as plain lines."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from darlr.cli.terminal.sweep import SweepMonitor
from darlr.sweep.costs import estimate
from darlr.sweep.running import Outcome
from tests.cli.terminal.test_run import RECORD
from tests.sweep.grids import small_cells


def shown(folder: Path, terminal: bool) -> list[str]:
    """The lines of a sweep of two cells, of which the second fails."""
    text = io.StringIO()
    mbpo, dorl = small_cells(folder, folder / "runs")
    console = Console(file=text, force_terminal=terminal, width=160, color_system=None)
    with SweepMonitor([mbpo, dorl], estimate([mbpo, dorl]), console) as monitor:
        for cell in (mbpo, dorl):
            monitor.started(cell)
            monitor.event(cell, {"event": "notice", "text": "the log has no time"})
        monitor.event(mbpo, {"event": "fitted", "epoch": 1, "epochs": 2, "loss": 0.5})
        monitor.event(mbpo, {"event": "learning", "done": 0, "epochs": 3})
        for epoch in (1, 2, 3):
            monitor.event(mbpo, {"event": "trained", "record": {**RECORD, "epoch": epoch}, "epochs": 3})
        monitor.tick()
        monitor.ended(Outcome(mbpo, 12.3))
        monitor.ended(Outcome(dorl, 1.0, "no luck", "Traceback [red]\n  here"))
    return [line.strip() for line in re.split(r"[\r\n]+|\x1b\[[0-9;?]*[A-Za-z]", text.getvalue()) if line.strip()]


def test_plain_lines_tell_beginnings_ends_and_each_note_once(tmp_path: Path) -> None:
    assert shown(tmp_path, terminal=False) == [
        "synthetic mbpo seed 0: starts",
        "synthetic mbpo seed 0: note: the log has no time",
        "synthetic dorl seed 0: starts",
        "[1/2] synthetic mbpo seed 0: finished in 13 s",
        "[2/2] synthetic dorl seed 0: failed: no luck",
        "Traceback [red]",
        "here",
    ]


@pytest.mark.parametrize("terminal", [False, True])
def test_a_cell_that_is_put_aside_or_finished_elsewhere_leaves_no_bar(tmp_path: Path, terminal: bool) -> None:
    text = io.StringIO()
    mbpo, dorl = small_cells(tmp_path, tmp_path / "runs")
    console = Console(file=text, force_terminal=terminal, width=160, color_system=None)
    with SweepMonitor([mbpo, dorl], estimate([mbpo, dorl]), console) as monitor:
        monitor.started(mbpo)
        monitor.put_back(mbpo, "its node was lost")
        monitor.ended(Outcome(dorl, 0.0, elsewhere=True))
        monitor.started(mbpo)
        monitor.ended(Outcome(mbpo, 1.0))
        assert [task.description for task in monitor._progress.tasks] == ["all cells"]
    for line in (
        "synthetic mbpo seed 0: put aside, to be started again: its node was lost",
        "[1/2] synthetic dorl seed 0: finished by another sweep",
        "[2/2] synthetic mbpo seed 0: finished in 1 s",
    ):
        assert line in text.getvalue()


def test_a_cell_is_told_while_its_world_model_is_fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darlr.cli.terminal.sweep.SECONDS_BETWEEN_LINES", -1.0)
    text = io.StringIO()
    cell = small_cells(tmp_path, tmp_path / "runs")[0]
    with SweepMonitor([cell], estimate([cell]), Console(file=text, width=160, color_system=None)) as monitor:
        monitor.started(cell)
        monitor.event(cell, {"event": "fitting", "epoch": 3, "epochs": 100, "share": 0.45})
        monitor.tick()
    assert "synthetic mbpo seed 0: world model: epoch 3 of at most 100, 45%" in text.getvalue().splitlines()


def test_running_cells_are_told_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darlr.cli.terminal.sweep.SECONDS_BETWEEN_LINES", -1.0)
    lines = shown(tmp_path, terminal=False)
    assert "synthetic mbpo seed 0: policy: epoch 3/3, 200,000 steps/s, sampled 77.12, greedy 78.50" in lines


def test_a_terminal_has_a_bar_for_the_whole(tmp_path: Path) -> None:
    lines = shown(tmp_path, terminal=True)
    assert "[2/2] synthetic dorl seed 0: failed: no luck" in lines
    assert lines[-1].startswith("all cells")
    assert lines[-1].endswith("2/2 cells, 1 failed")
