"""The order of waiting cells, and repeated tries, with any executor."""

import fcntl
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import pytest

from darlr.sweep.plan import Cell
from darlr.sweep.running import MOST_LOSSES, Outcome, Queue, Told, run_cells
from tests.sweep.grids import named, small_cells

FINISHED = {"event": "finished", "cpu_seconds": 2.5}
LOST = {"event": "lost", "error": "its node is gone"}
BUSY = {"event": "busy", "error": "another process is working on this run"}


class Script:
    """An executor and a watcher in which every cell sends scripted events, one at a time, and all is remembered.

    A cell that is started again sends its next list of events, or finishes if there is none.
    """

    def __init__(self, scripts: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]], slots: int = 2) -> None:
        self.slots = slots
        self.scripts = {label: [list(events) for events in attempts] for label, attempts in scripts.items()}
        self.running: dict[str, tuple[Cell, list[Mapping[str, Any]]]] = {}
        self.lines: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def start(self, cell: Cell) -> None:
        attempts = self.scripts.get(cell.label, [])
        self.running[cell.label] = (cell, [*(attempts.pop(0) if attempts else [FINISHED])])
        assert len(self.running) <= self.slots

    def heard(self, seconds: float) -> list[Told]:
        told = [(cell, events.pop(0)) for cell, events in self.running.values()]
        self.running = {label: (cell, events) for label, (cell, events) in self.running.items() if events}
        return told

    def started(self, cell: Cell) -> None:
        self.lines.append(f"{cell.label} starts")

    def stop(self, cell: Cell) -> None:
        self.running.pop(cell.label, None)
        self.lines.append(f"{cell.label} is stopped")

    def event(self, cell: Cell, event: Mapping[str, Any]) -> bool:
        self.lines.append(f"{cell.label} {event['event']}")
        return bool(event.get("enough"))

    def put_back(self, cell: Cell, reason: str) -> None:
        self.lines.append(f"{cell.label} waits: {reason}")

    def ended(self, outcome: Outcome) -> None:
        self.lines.append(f"{outcome.cell.label} {outcome.error or 'ends'}")

    def tick(self) -> None:
        pass


class TestLoop:
    def test_a_lost_cell_is_started_again_at_once(self, tmp_path: Path) -> None:
        [cell] = small_cells(tmp_path, tmp_path / "runs", methods="mbpo")
        script = Script({cell.label: [[{"event": "trained"}, LOST], [FINISHED]]})
        [outcome] = run_cells([cell], script, script)
        assert (outcome.cell, outcome.error, outcome.cpu_seconds) == (cell, None, 2.5)
        assert script.lines == [
            f"{cell.label} {what}" for what in ("starts", "trained", "waits: its node is gone", "starts", "ends")
        ]

    def test_a_cell_that_is_lost_again_and_again_has_failed(self, tmp_path: Path) -> None:
        cells = small_cells(tmp_path, tmp_path / "runs")
        mbpo, dorl = named(cells)
        script = Script({mbpo: [[LOST]] * 99})
        outcomes = {outcome.cell.label: outcome.error for outcome in run_cells(cells, script, script)}
        assert outcomes == {mbpo: "its node is gone", dorl: None}
        assert script.lines.count(f"{mbpo} starts") == 1 + MOST_LOSSES

    def test_a_cell_is_stopped_where_the_watcher_has_heard_enough(self, tmp_path: Path) -> None:
        cells = small_cells(tmp_path, tmp_path / "runs")
        mbpo, dorl = named(cells)
        script = Script({mbpo: [[{"event": "fitted"}, {"event": "trained", "enough": True}, {"event": "trained"}, FINISHED]]})
        outcomes = {outcome.cell.label: outcome for outcome in run_cells(cells, script, script)}
        assert (outcomes[mbpo].stopped, outcomes[mbpo].error, outcomes[dorl].stopped) == (True, None, False)
        first = [line for line in script.lines if line.startswith(mbpo)]
        assert first == [f"{mbpo} {what}" for what in ("starts", "fitted", "trained", "is stopped", "ends")]

    def test_a_lost_fit_lets_the_next_cell_fit(self, tmp_path: Path) -> None:
        cells = small_cells(tmp_path, tmp_path / "runs")
        mbpo, dorl = named(cells)
        script = Script({mbpo: [[{"event": "fitted"}, LOST], [{"event": "fitted"}, {"event": "learning"}, FINISHED]]})
        run_cells(cells, script, script)
        assert script.lines.index(f"{dorl} starts") > script.lines.index(f"{mbpo} learning")

    def test_what_another_sweep_finished_meanwhile_is_not_started(self, tmp_path: Path) -> None:
        cells = small_cells(tmp_path, tmp_path / "runs")
        cells[1].run.mkdir(parents=True)
        finish(cells[1])
        script = Script({})
        outcomes = {outcome.cell.label: outcome.elsewhere for outcome in run_cells(cells, script, script)}
        assert outcomes == dict(zip(named(cells), (False, True), strict=True))
        assert f"{cells[1].label} starts" not in script.lines

    @pytest.mark.parametrize("finished", [True, False])
    def test_what_another_process_works_on_is_waited_for(self, tmp_path: Path, finished: bool) -> None:
        first, second = small_cells(tmp_path, tmp_path / "runs")
        lock = locked(first)

        class Other(Script):
            """Lets go of the first cell's folder once the second is done."""

            def ended(self, outcome: Outcome) -> None:
                super().ended(outcome)
                if outcome.cell is second:
                    if finished:
                        finish(first)
                    lock.close()

        script = Other({first.label: [[BUSY], [FINISHED]]}, slots=1)
        outcomes = run_cells([first, second], script, script)
        assert [outcome.cell for outcome in outcomes] == [second, first]
        assert [outcome.elsewhere for outcome in outcomes] == [False, finished]
        assert script.lines.count(f"{first.label} starts") == (1 if finished else 2)


def locked(cell: Cell) -> IO[bytes]:
    """Lock the folder of `cell` like a process that works on it."""
    cell.run.mkdir(parents=True)
    lock = (cell.run / ".lock").open("ab")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def finish(cell: Cell) -> None:
    """Write the files of a finished run into the folder of `cell`."""
    for name in ("policy.safetensors", "summary.json"):
        (cell.run / name).touch()


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

    def test_a_busy_cell_is_passed_over_until_its_folder_is_let_go(self, tmp_path: Path) -> None:
        first, _, other_seed, _ = self.cells(tmp_path)
        queue = Queue([first, other_seed])
        assert queue.take() is first
        with locked(first):
            queue.has_world_model(first)
            queue.put_back(first, busy=True)
            assert queue.take() is other_seed
            assert queue.take() is None
        assert queue.take() is first

    def test_a_run_with_its_own_copy_waits_for_no_fit(self, tmp_path: Path) -> None:
        first, second, *_ = self.cells(tmp_path)
        begun = replace(second, begun=True)
        queue = Queue([first, begun])
        assert [queue.take(), queue.take()] == [first, begun]
