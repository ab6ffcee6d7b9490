"""Cells on a Ray cluster: the same numbers as here, whatever dies; and the nodes that are refused."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from darlr.sweep.plan import Cell
from darlr.sweep.running import Outcome, run_cells
from tests.clusters import add_node, local_cluster
from tests.runs import results, train_small
from tests.sweep.grids import named, small_cells, write_small

needs_ray = pytest.mark.skipif("not __import__('importlib').util.find_spec('ray')", reason="needs the extra 'ray'")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    pytest.importorskip("ray")
    with local_cluster() as cluster:
        yield cluster


def worker_on(run: Path) -> int:
    """The process that holds the lock file of a run open."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(file.readlink() == run / ".lock" for file in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:  # it is gone, or another user's
            continue
    raise AssertionError(f"nobody works on {run}")


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


class Notes:
    """A watcher that remembers, and calls `strike(cell)` after the first epoch of the cells that it names, once each."""

    def __init__(self, strikes: Mapping[str, Callable[[Cell], None]] | None = None) -> None:
        self.strikes = dict(strikes or {})
        self.begun: list[str] = []
        self.returned: list[str] = []
        self.events: list[tuple[str, Mapping[str, Any]]] = []

    def started(self, cell: Cell) -> None:
        self.begun.append(cell.label)

    def event(self, cell: Cell, event: Mapping[str, Any]) -> None:
        self.events.append((cell.label, event))
        if event["event"] == "trained" and cell.label in self.strikes:
            self.strikes.pop(cell.label)(cell)

    def put_back(self, cell: Cell, reason: str) -> None:
        self.returned.append(cell.label)

    def ended(self, outcome: Outcome) -> None:
        pass

    def tick(self) -> None:
        pass

    def of(self, kind: str) -> list[str]:
        return [label for label, event in self.events if event["event"] == kind]


def run(cluster: Any, cells: list[Cell], out: Path, notes: Notes) -> dict[str, Outcome]:
    from darlr.sweep.cluster import RayCluster

    with RayCluster(cluster.address, None, out, out, "cpu") as executor:
        assert executor.slots == 2
        outcomes = run_cells(cells, executor, notes)
    assert not list(out.glob(".*"))
    return {outcome.cell.label: outcome for outcome in outcomes}


@needs_ray
@pytest.mark.slow
@pytest.mark.usefixtures("drawn_pictures")  # as the cells, which have processes of their own
def test_the_numbers_are_those_of_this_machine_and_a_failure_stops_no_other(cluster: Any, tmp_path: Path) -> None:
    changes = {"methods": ["mbpo", "dorl", "mopo"], "for": [{"methods": "mopo", "set": {"a2c.learning_rate": 1e30}}]}
    cells = small_cells(tmp_path, tmp_path / "runs", **changes)
    mbpo, dorl, mopo = named(cells)
    notes = Notes()
    outcomes = run(cluster, cells, tmp_path / "runs", notes)
    assert set(notes.of("fitted")) == {mbpo}  # the world model that all three share
    assert outcomes[mbpo].error is outcomes[dorl].error is None
    assert outcomes[mbpo].cpu_seconds > 0
    assert "epoch 1: the policy loss is nan; stopped" in (outcomes[mopo].error or "")
    for cell, method in zip(cells, ("mbpo", "dorl"), strict=False):
        assert results(cell.run) == results(train_small(tmp_path / "alone", {"method": method}).path)


@needs_ray
@pytest.mark.slow
@pytest.mark.usefixtures("drawn_pictures")
def test_a_killed_process_and_a_lost_node_cost_no_epoch_and_double_none(cluster: Any, tmp_path: Path) -> None:
    cells = small_cells(
        tmp_path, tmp_path / "runs", set={"training": {"epochs": 40, "steps_per_epoch": 60, "environments": 10}}
    )
    mbpo, dorl = named(cells)
    lost = threading.Event()

    def kill(cell: Cell) -> None:
        os.kill(worker_on(cell.run), signal.SIGKILL)

    def remove(cell: Cell) -> None:
        raylet = parent_of(worker_on(cell.run))
        [node] = [node for node in cluster.worker_nodes if node.all_processes["raylet"][0].process.pid == raylet]
        cluster.remove_node(node, allow_graceful=False)
        lost.set()

    notes = Notes({mbpo: kill, dorl: remove})
    try:
        outcomes = run(cluster, cells, tmp_path / "runs", notes)
    finally:
        if lost.is_set():
            add_node(cluster)
    assert [outcome.error for outcome in outcomes.values()] == [None, None]
    assert set(notes.returned) == {mbpo, dorl}
    for cell in cells:
        told = [
            event["record"]["epoch"] for label, event in notes.events if label == cell.label and event["event"] == "trained"
        ]
        begun = [event["done"] for label, event in notes.events if label == cell.label and event["event"] == "learning"]
        assert begun[0] == 0
        assert begun[1] >= 1  # it went on where it was
        assert len(told) == len(set(told))  # no epoch was done twice,
        assert set(range(1, 41)) - set(told) <= {begun[1]}  # and none left out; the word of one may have died with its process
        alone = train_small(tmp_path / "alone", {"method": cell.config.method, "training": {"epochs": 40}})
        assert results(cell.run) == results(alone.path)


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_a_sweep_that_ends_early_leaves_nobody_at_work(cluster: Any, tmp_path: Path, ending: signal.Signals) -> None:
    file = write_small(tmp_path / "grid.yaml", **{"for": [{"set": {"training.epochs": 1_000_000}}]})
    command = [sys.executable, "-m", "darlr.cli.main", "sweep", str(file), "--ray", cluster.address, "--out", "runs"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    runs: list[Path] = []
    while len(runs) < 2:
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.1)
        runs = [file.parent for file in (tmp_path / "runs").rglob("checkpoint.safetensors")]
    workers = [worker_on(run) for run in runs]
    process.send_signal(ending)
    assert process.stderr is not None
    lines = process.stderr.read().splitlines()
    assert process.wait() == (130 if ending == signal.SIGINT else -signal.SIGKILL)
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{worker}/exe").exists() for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    if ending == signal.SIGINT:
        assert lines[-1].startswith("darlr: interrupted; the same command goes on from the last finished epoch, or within a")
        assert not any("Traceback" in line for line in lines)
