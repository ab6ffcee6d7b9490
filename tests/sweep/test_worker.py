"""A worker's events about its cell: JSON, one line for an error, and a traceback for a defect."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from darlr.artifacts.run_folder import RunFolder
from darlr.artifacts.run_lock import in_work
from darlr.config.loading import merge
from darlr.run import training as run
from darlr.sweep.worker import work
from tests.runs import SMALL, SMALL_WORLD, TrainedOnce

VALUES = merge(SMALL, SMALL_WORLD)


def events_of(values: Mapping[str, Any], out: Path) -> list[Mapping[str, Any]]:
    """Return all events, including the last, after a round trip through JSON."""
    sent: list[Mapping[str, Any]] = []
    sent.append(work(values, None, out, "cpu", sent.append))
    return [json.loads(json.dumps(event)) for event in sent]


def test_a_run_is_told_from_its_fit_to_its_end(tmp_path: Path) -> None:
    events = events_of(VALUES, tmp_path)
    kinds = [event["event"] for event in events]
    assert kinds == ["fitted", "fitted", "learning", "trained", "trained", "trained", "finished"]
    assert events[0]["epochs"] == 2
    assert events[2] == {"event": "learning", "done": 0, "epochs": 3}
    assert [event["record"]["epoch"] for event in events[3:6]] == [1, 2, 3]
    assert len(list(tmp_path.rglob("summary.json"))) == 1


def test_long_epochs_of_a_fit_are_told_while_they_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darlr.world_model.training.PAIRS_OF_A_ROUND", 1)
    events = [event for event in events_of(VALUES, tmp_path) if event["event"] in ("fitting", "fitted")]
    assert [event["event"] for event in events[-2:]] == ["fitting", "fitted"]
    shares = [event["share"] for event in events if event["event"] == "fitting" and event["epoch"] == 1]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_refusal_is_a_line(tmp_path: Path) -> None:
    [event] = events_of({**VALUES, "method": "drol"}, tmp_path)
    assert event["event"] == "failed"
    assert event["error"].startswith("unknown method 'drol'")
    assert event["traceback"] is None


def test_a_run_that_another_process_works_on_is_busy(trained_once: TrainedOnce, tmp_path: Path) -> None:
    run = trained_once(tmp_path).path
    with RunFolder.create(run, RunFolder.open(run).config(), RunFolder.open(run).environment()):
        assert in_work(run)
        assert events_of(VALUES, tmp_path) == [{"event": "busy", "error": "another process works on it"}]
    assert not in_work(run)


def test_a_defect_has_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(*_: object) -> None:
        raise ZeroDivisionError("nobody\nforesaw it")

    monkeypatch.setattr(run, "train", defect)
    [event] = events_of(VALUES, tmp_path)
    assert event["event"] == "failed"
    assert event["error"] == "ZeroDivisionError: nobody foresaw it"
    assert "in defect" in event["traceback"]
