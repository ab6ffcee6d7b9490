"""Processes that work on cells: what they leave, what happens when one fails or dies, and who waits for whom."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from darlr.sweep.plan import Cell
from darlr.sweep.pool import Outcome, Queue, run_cells
from tests.runs import results, train_small
from tests.sweep.grids import named, small_cells, write_small


def children_of(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


class Notes:
    """A watcher that remembers what it was told, and kills the process of the cell `victim` after its first epoch."""

    def __init__(self, victim: str = "") -> None:
        self.victim = victim
        self.begun: list[str] = []
        self.events: list[tuple[str, Mapping[str, Any]]] = []
        self.ends: list[Outcome] = []
        self._others = set(children_of(os.getpid()))
        self._processes: dict[str, int] = {}

    def started(self, cell: Cell) -> None:
        self.begun.append(cell.label)
        [self._processes[cell.label]] = set(children_of(os.getpid())) - self._others - set(self._processes.values())

    def event(self, cell: Cell, event: Mapping[str, Any]) -> None:
        self.events.append((cell.label, event))
        if event["event"] == "trained" and cell.label == self.victim:
            os.kill(self._processes[cell.label], signal.SIGKILL)

    def ended(self, outcome: Outcome) -> None:
        self.ends.append(outcome)
        del self._processes[outcome.cell.label]

    def tick(self) -> None:
        pass

    def of(self, kind: str) -> set[str]:
        """The cells that sent such an event."""
        return {label for label, event in self.events if event["event"] == kind}


def run(cells: list[Cell], out: Path, notes: Notes, workers: int = 2) -> dict[str, Outcome]:
    outcomes = run_cells(cells, workers, None, out, "cpu", notes)
    assert notes.ends == outcomes
    return {outcome.cell.label: outcome for outcome in outcomes}


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
        assert lines[-1] == "darlr: interrupted; the same command goes on from the last finished epoch"
        assert not any("Traceback" in line for line in lines)


class TestQueue:
    def cells(self, tmp_path: Path) -> list[Cell]:
        return small_cells(tmp_path, tmp_path / "runs", seeds=[0, 1])

    def test_two_cells_do_not_fit_the_same_world_model(self, tmp_path: Path) -> None:
        first, second, other_seed, last = self.cells(tmp_path)
        queue = Queue([first, second, other_seed, last])
        assert queue.take() is first
        assert queue.take() is other_seed
        assert queue.take() is None
        assert len(queue) == 2
        queue.has_world_model(second)  # it does not fit
        assert queue.take() is None
        queue.has_world_model(first)
        assert queue.take() is second  # if the first failed, the second fits
        assert queue.take() is None
        queue.has_world_model(other_seed)
        assert queue.take() is last

    def test_a_world_model_that_is_there_holds_up_nobody(self, tmp_path: Path) -> None:
        cells = self.cells(tmp_path)
        queue = Queue(cells)
        assert queue.take() is cells[0]
        cells[0].world_model.parent.mkdir(parents=True)
        cells[0].world_model.touch()
        assert [queue.take(), queue.take(), queue.take()] == [cells[1], cells[2], None]

    def test_a_run_with_its_own_copy_waits_for_no_fit(self, tmp_path: Path) -> None:
        first, second, *_ = self.cells(tmp_path)
        begun = replace(second, begun=True)
        queue = Queue([first, begun])
        assert [queue.take(), queue.take()] == [first, begun]
