"""TensorBoard's event files: every number of metrics.jsonl, each once, however the run was stopped."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

from darlr.artifacts import RunFolder
from darlr.config.loading import merge
from darlr.errors import RunError
from darlr.run.loggers.event_files import EventFiles
from darlr.run.loggers.interface import LoggedRun
from darlr.run.training import train
from tests.runs import SMALL, SMALL_WORLD, Listener
from tests.worlds import CPU

VALUES = merge(SMALL, SMALL_WORLD)


class Stopper(Listener):
    """Stops the run after its second epoch."""

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        if record["epoch"] == 2:
            raise KeyboardInterrupt


def logged(path: Path) -> LoggedRun:
    return LoggedRun(path, "key", "name", {}, {})


def events_of(run: Path) -> list[tuple[str, int, float]]:
    """Return name, epoch and value of all points in all event files, including repeated ones."""
    return [
        (value.tag, event.step, value.simple_value)
        for file in (run / "tensorboard").iterdir()
        for event in LegacyEventFileLoader(str(file)).Load()
        for value in event.summary.value
    ]


def numbers_of(run: Path) -> list[tuple[str, int, Any]]:
    return [
        (name, record["epoch"], pytest.approx(value, rel=1e-6))
        for record in RunFolder.open(run).metrics()
        for name, value in record.items()
        if name != "epoch" and value is not None
    ]


def test_every_number_is_there_once_after_a_stop_and_nothing_else_changes(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(VALUES, None, tmp_path, CPU, Stopper(), loggers=["tensorboard"])
    run = train(VALUES, None, tmp_path, CPU, Listener(), loggers=["tensorboard"]).path
    assert len(numbers_of(run)) > 3 * 40
    assert events_of(run) == numbers_of(run)
    assert len(list((run / "tensorboard").iterdir())) == 1


def test_a_finished_run_gets_them_when_it_is_asked_for_again(tmp_path: Path) -> None:
    run = train(VALUES, None, tmp_path, CPU, Listener()).path
    assert not (run / "tensorboard").exists()
    before = (run / "metrics.jsonl").read_bytes()
    assert train(VALUES, None, tmp_path, CPU, Listener(), loggers=["tensorboard"]).path == run
    assert events_of(run) == numbers_of(run)
    assert (run / "metrics.jsonl").read_bytes() == before


def test_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    with EventFiles(logged(tmp_path)) as events:
        events.add([{"epoch": 1, "nx_0/sampled/mcd": None, "steps": 3}, {"epoch": 2, "steps": 4}])
    assert events_of(tmp_path) == [("steps", 1, 3.0), ("steps", 2, 4.0)]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("a file")
    with pytest.raises(RunError, match="tensorboard: cannot be written") as refusal:
        EventFiles(logged(tmp_path))
    assert "\n" not in str(refusal.value)
