"""Data without a truth: trained as any, and judged on held-out rows of the log."""

from pathlib import Path
from typing import Any

import pytest

from darlr.artifacts import RunFolder
from darlr.errors import InputError
from darlr.run.evaluating import evaluate_run
from tests.runs import Listener, train_small, write_planted_world, write_truth
from tests.worlds import CPU

LEARNING: dict[str, Any] = {
    "dataset": "own",
    "world_model": {"max_epochs": 5, "learning_rate": 0.01},
    "a2c": {"learning_rate": 0.02, "minibatch_size": 128},
    "training": {"epochs": 3, "steps_per_epoch": 1000},
    "method": "mbpo",
}


@pytest.mark.parametrize("positive_only", [False, True])
def test_learns_and_is_judged_on_held_out_rows(tmp_path: Path, positive_only: bool) -> None:
    write_planted_world(tmp_path / "own", truth=False, positive_only=positive_only)
    listener = Listener()
    finished = train_small(tmp_path / "runs", LEARNING, tmp_path, listener)
    assert "no truth" in " ".join(listener.notices)
    # A user likes 20 of 40 items, knows half of them, and one in ten of those is held out: chance finds few.
    assert finished.summary["held_out"]["greedy"]["recall_10"]["chosen"]["mean"] > 0.5
    assert {"popular", "greedy_world_model"} <= finished.summary["opponents"].keys()
    assert "nx_0" not in finished.summary
    assert (finished.path / "learning_curve.png").is_file()
    assert RunFolder.open(finished.path).environment()["data"].keys() == {"dataset.yaml", "log.csv", "items.csv"}


def test_can_be_evaluated_on_a_truth_that_comes_later(tmp_path: Path) -> None:
    write_planted_world(tmp_path / "own", truth=False)
    run = train_small(tmp_path / "runs", LEARNING, tmp_path).path
    with pytest.raises(InputError, match="its data set 'own' has no truth; give one with --truth FOLDER, or let"):
        evaluate_run(run, "all", "both", None, None, 0, tmp_path, CPU)
    later = write_planted_world(tmp_path / "later", truth=False)
    write_truth(later / "truth.csv", range(30, 40), 5, 1)
    settings = later / "dataset.yaml"
    settings.write_text(settings.read_text().replace("items: items.csv", "items: items.csv, truth: truth.csv"))
    found = evaluate_run(run, "nx_0", "greedy", None, later, 0, tmp_path, CPU)
    assert found["nx_0"]["greedy"]["r_tra"] == pytest.approx(50, abs=10)  # chance gives 30


def test_gt_needs_a_truth_and_leaves_nothing(tmp_path: Path) -> None:
    write_planted_world(tmp_path / "own", truth=False)
    with pytest.raises(InputError, match="'gt' learns from the truth, but the data set has none"):
        train_small(tmp_path / "runs", {**LEARNING, "method": "gt"}, tmp_path)
    assert not (tmp_path / "runs").exists()


def test_nothing_liked_to_hold_out_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    folder = write_planted_world(tmp_path / "own", truth=False)
    settings = folder / "dataset.yaml"
    settings.write_text(settings.read_text().replace("maximum: 5}", "maximum: 9, positive_threshold: 9}"))
    with pytest.raises(InputError, match="no held-out row has a reward of at least 9"):
        train_small(tmp_path / "runs", LEARNING, tmp_path)
    assert not (tmp_path / "runs").exists()
