"""Processes that work on cells: their results, and failing or killed ones."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from darlr.sweep.plan import Cell
from darlr.sweep.pool import LocalPool
from darlr.sweep.running import Outcome, run_cells
from tests.runs import SMALL, results, train_small
from tests.sweep.grids import named, small_cells, write_small


def children_of(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


class Notes:
    """A watcher that remembers its events, and stops or kills a cell after its first epoch.

    `victim` is the cell whose process is killed, `given_up` the one that is told to stop.
    """

    def __init__(self, victim: str = "", given_up: str = "") -> None:
        self.victim, self.given_up = victim, given_up
        self.begun: list[str] = []
        self.events: list[tuple[str, Mapping[str, Any]]] = []
        self.returned: list[tuple[str, str]] = []
        self.ends: list[Outcome] = []
        self._others = set(children_of(os.getpid()))
        self._processes: dict[str, int] = {}

    def started(self, cell: Cell) -> None:
        self.begun.append(cell.label)
        [self._processes[cell.label]] = set(children_of(os.getpid())) - self._others - set(self._processes.values())

    def event(self, cell: Cell, event: Mapping[str, Any]) -> bool:
        self.events.append((cell.label, event))
        if event["event"] == "trained" and cell.label == self.victim:
            os.kill(self._processes[cell.label], signal.SIGKILL)
        return event["event"] == "trained" and cell.label == self.given_up

    def put_back(self, cell: Cell, reason: str) -> None:
        self.returned.append((cell.label, reason))
        del self._processes[cell.label]

    def ended(self, outcome: Outcome) -> None:
        self.ends.append(outcome)
        self._processes.pop(outcome.cell.label, None)  # none worked on what was finished elsewhere

    def tick(self) -> None:
        pass

    def of(self, kind: str) -> set[str]:
        """The cells that sent such an event."""
        return {label for label, event in self.events if event["event"] == kind}


def run(cells: list[Cell], out: Path, notes: Notes, workers: int = 2) -> dict[str, Outcome]:
    with LocalPool(workers, None, out, "cpu") as pool:
        outcomes = run_cells(cells, pool, notes)
    assert notes.ends == outcomes
    return {outcome.cell.label: outcome for outcome in outcomes}


@pytest.mark.usefixtures("drawn_pictures")  # as the cells, which have processes of their own
def test_cells_end_as_runs_would_and_a_failure_or_death_stops_no_other(tmp_path: Path) -> None:
    out = tmp_path / "runs"
    changes = {"methods": ["mbpo", "dorl", "mopo"], "for": [{"methods": "mopo", "set": {"a2c.learning_rate": 1e30}}]}
    cells = small_cells(tmp_path, out, **changes)
    mbpo, dorl, mopo = named(cells)
    notes = Notes(victim=dorl)
    outcomes = run(cells, out, notes)
    assert outcomes.keys() == {mbpo, dorl, mopo}
    assert outcomes[mbpo].error is None
    assert "epoch 1: the policy loss is nan; stopped" in (outcomes[mopo].error or "")
    assert outcomes[mopo].traceback is None
    assert (outcomes[dorl].error or "").startswith("its process was killed by SIGKILL")
    assert [outcome.transient for outcome in outcomes.values()] == [label == dorl for label in outcomes]
    assert len(notes.of("fitted")) == 1  # the world model that all three share
    assert notes.begun[0] == mbpo
    assert results(cells[0].run) == results(train_small(tmp_path / "alone", {"method": "mbpo"}).path)

    again = small_cells(tmp_path, out, **changes)
    assert [cell.finished for cell in again] == [True, False, False]
    notes = Notes()
    outcomes = run([cell for cell in again if cell.label == dorl], out, notes)
    assert outcomes[dorl].error is None
    assert [event["done"] for _, event in notes.events if event["event"] == "learning"] == [again[1].epochs]
    assert again[1].epochs >= 1
    assert results(cells[1].run) == results(train_small(tmp_path / "alone", {"method": "dorl"}).path)


def test_a_cell_that_is_told_to_stop_goes_on_later(tmp_path: Path) -> None:
    cells = small_cells(tmp_path, tmp_path / "runs", methods="mbpo", set={"training": {**SMALL["training"], "epochs": 1000}})
    [mbpo] = named(cells)
    [outcome] = run(cells, tmp_path / "runs", Notes(given_up=mbpo)).values()
    assert (outcome.stopped, outcome.error) == (True, None)
    [again] = small_cells(tmp_path, tmp_path / "runs", methods="mbpo", set={"training": {**SMALL["training"], "epochs": 1000}})
    assert not again.finished
    assert 1 <= again.epochs < 1000


class TestParentGone:
    """A sweep of endless runs, stopped in the middle."""

    def started(self, tmp_path: Path) -> tuple[subprocess.Popen[str], list[int]]:
        """The sweep and its two workers, once both have an epoch behind them."""
        file = write_small(tmp_path / "grid.yaml", **{"for": [{"set": {"training.epochs": 1_000_000}}]})
        command = [
            sys.executable,
            "-m",
            "darlr.cli.main",
            "sweep",
            str(file),
            "--workers",
            "2",
            "--out",
            str(tmp_path / "runs"),
        ]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while len(list((tmp_path / "runs").rglob("checkpoint.safetensors"))) < 2:
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.05)
        workers = children_of(process.pid)
        assert len(workers) == 2
        return process, workers

    def gone(self, workers: list[int]) -> bool:
        return not any(Path(f"/proc/{worker}/exe").exists() for worker in workers)

    def test_killed_it_leaves_no_orphans(self, tmp_path: Path) -> None:
        process, workers = self.started(tmp_path)
        with process:
            process.kill()
        deadline = time.monotonic() + 60
        while not self.gone(workers) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert self.gone(workers)

    def test_interrupted_it_ends_its_workers_and_says_how_to_go_on(self, tmp_path: Path) -> None:
        process, workers = self.started(tmp_path)
        with process:
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            lines = process.stderr.read().splitlines()
        assert self.gone(workers)
        assert process.returncode == 130
        assert lines[-1].startswith("darlr: interrupted; the same command goes on from the last finished epoch, or within a")
        assert not any("Traceback" in line for line in lines)
