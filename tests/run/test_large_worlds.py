"""A world whose estimates are computed on request: the same run, up to rounding, without a table."""

from pathlib import Path
from typing import Any

import pytest

from darlr.artifacts import RunFolder, read_tensors
from darlr.config.loading import merge
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.run.evaluating import evaluate_by_log
from darlr.run.training import train
from darlr.testing.monitors import Interrupter
from tests.runs import SMALL, SMALL_WORLD, Listener, results, train_small, without_seconds, write_planted_world
from tests.worlds import CPU

METHOD = {"method": "bayes-adaptive"}
ASKED: dict[str, Any] = {**METHOD, "reward": {"table_cells": 0}}
AMONG: dict[str, Any] = {
    "method": "mopo",
    "world_model": {"kind": "factors"},
    "policy": {"candidates": 12, "prior_weight": 1.0},
    "reward": {"table_cells": 0},
}
NOTE = "more pairs than reward.table_cells (0): estimates are computed when asked for, and no table of them is kept"


@pytest.fixture
def _no_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: KeptEstimates, table: object) -> None:
        raise AssertionError("a table of estimates is kept")

    monkeypatch.setattr(KeptEstimates, "__init__", refuse)


@pytest.mark.usefixtures("drawn_pictures")
def test_bayes_adaptive_learns_the_same_without_a_table(tmp_path: Path) -> None:
    told = Listener()
    kept, asked = train_small(tmp_path / "kept", METHOD), train_small(tmp_path / "asked", ASKED, listener=told)
    pairs = zip(RunFolder.open(kept.path).metrics(), RunFolder.open(asked.path).metrics(), strict=True)
    for ours, theirs in pairs:
        assert without_seconds(ours) == pytest.approx(without_seconds(theirs), rel=1e-4)
    assert asked.summary["opponents"] == kept.summary["opponents"]
    assert any(NOTE in text for text in told.notices)
    assert any(NOTE in text for text in asked.summary["notes"])
    assert not any("reward.table_cells" in text for text in kept.summary["notes"])


@pytest.mark.usefixtures("drawn_pictures", "_no_tables")
@pytest.mark.parametrize("changes", [ASKED, AMONG], ids=lambda changes: changes["method"])
def test_nothing_keeps_a_table_where_there_is_no_truth(changes: dict[str, Any], tmp_path: Path) -> None:
    write_planted_world(tmp_path / "own", truth=False)
    own = {"dataset": "own", "evaluation": {"episodes": 10, "judge": "dr", "referee": True}}
    finished = train_small(tmp_path, {**changes, **own}, data_dir=tmp_path)
    assert finished.summary["off_policy"]["estimates"]
    assert evaluate_by_log(finished.path, None, 0, tmp_path, CPU)["held_out"]


@pytest.mark.usefixtures("drawn_pictures")
@pytest.mark.parametrize("method", ["mbpo", "mopo", "dorl", "roler", "darlr"])
def test_methods_of_the_paper_learn_without_a_table(tmp_path: Path, method: str) -> None:
    settings = {"method": method, "world_model": {"kind": "factors"}, "neighbours": {"users": 4 if method == "roler" else 0}}
    kept, asked = (
        train_small(tmp_path / name, merge(settings, {"reward": {"table_cells": most}}))
        for name, most in (("kept", 10_000), ("asked", 0))
    )
    ours, theirs = (RunFolder.open(run.path).metrics()[0] for run in (kept, asked))
    # Rewards are shifted by bounds that are known beforehand, not by the table's own, so what is learned is not the same.
    assert theirs["error/table"] == pytest.approx(ours["error/table"], rel=0.02)
    assert theirs["train/steps"] >= 60
    assert any(NOTE in text for text in asked.summary["notes"])


@pytest.mark.usefixtures("drawn_pictures")
def test_a_search_in_cells_is_told_recorded_and_repeated_by_a_resumed_run(tmp_path: Path) -> None:
    cells = {"neighbours": {"users": 5, "search": "cells", "recall": 0.9}, "selector": {"references": 3, "pool": 8}}
    asked = {"method": "darlr", "reward": {"table_cells": 0}, **cells}
    told = Listener()
    whole = train_small(tmp_path / "whole", asked, listener=told)
    found = whole.summary["neighbours"]
    assert [(name, figures["count"]) for name, figures in found.items()] == [("averages", 5), ("pools", 8)]
    assert all(0.8 <= figures["recall"] <= 1 for figures in found.values())
    assert any(f"measured recall {found['pools']['recall']:.4f} of the true 8" in text for text in told.notices)
    with pytest.raises(KeyboardInterrupt):
        train(merge(merge(SMALL, SMALL_WORLD), asked), None, tmp_path / "stopped", CPU, Interrupter())
    resumed = train_small(tmp_path / "stopped", asked)
    assert results(resumed.path) == results(whole.path)
    assert resumed.summary["neighbours"] == found


@pytest.mark.usefixtures("drawn_pictures")
def test_what_learning_rewrote_is_taken_up_again(tmp_path: Path) -> None:
    asked = {"method": "darlr", "reward": {"table_cells": 0}, "selector": {"references": 3, "pool": 8}}
    whole = train_small(tmp_path / "whole", asked)
    stopped = Interrupter()
    with pytest.raises(KeyboardInterrupt):
        train(merge(merge(SMALL, SMALL_WORLD), asked), None, tmp_path / "stopped", CPU, stopped)
    [checkpoint] = (tmp_path / "stopped").rglob("checkpoint.safetensors")
    tensors, _ = read_tensors(checkpoint)
    assert 0 < len(tensors["table.places"]) == len(tensors["table.values"]) < 2_000
    resumed = train_small(tmp_path / "stopped", asked)
    assert results(resumed.path) == results(whole.path)
