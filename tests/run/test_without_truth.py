"""Data without a truth: training as usual, judged on held-out rows of the log."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darlr.artifacts import RunFolder
from darlr.errors import InputError
from darlr.report.analysis.off_policy import judgement_table
from darlr.report.rendering.table import to_markdown
from darlr.run.evaluating import evaluate_by_log, evaluate_run
from tests.runs import Listener, train_small, write_planted_world, write_truth
from tests.worlds import CPU

LEARNING: dict[str, Any] = {
    "dataset": "own",
    "world_model": {"max_epochs": 5, "learning_rate": 0.01},
    "a2c": {"learning_rate": 0.02, "minibatch_size": 128},
    "training": {"epochs": 3, "steps_per_epoch": 1000},
    "method": "mbpo",
}


@pytest.mark.usefixtures("drawn_pictures")
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
    noted = finished.summary["notes"]
    assert listener.notices[: len(noted)] == noted  # what should be known of the data comes first
    assert (finished.path / "learning_curve.png").stat().st_size > 10_000  # curves, not a blank
    told = finished.summary["off_policy"]
    assert {"policy, sampled", "policy, greedy", "popular"} <= told["estimates"].keys()
    assert [verdict["line"] in listener.notices for verdict in told["against_popular"]] == [True, True]
    # Eighty rows are too few for any value that stands on weights.
    assert told["estimates"]["popular"]["dr"]["objections"]
    assert RunFolder.open(finished.path).environment()["data"].keys() == {"dataset.yaml", "log.csv", "items.csv"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_planted_world(folder / "own", truth=False)
    return folder


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, which tests only read."""
    return train_small(tmp_path_factory.mktemp("runs"), LEARNING, data).path


def test_can_be_evaluated_on_a_truth_that_comes_later(run: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its data set 'own' has no truth; give one with --truth FOLDER, or let"):
        evaluate_run(run, "all", "both", None, None, 0, data, CPU)
    later = write_planted_world(tmp_path / "later", truth=False)
    write_truth(later / "truth.csv", range(30, 40), 5, 1)
    settings = later / "dataset.yaml"
    settings.write_text(settings.read_text().replace("items: items.csv", "items: items.csv, truth: truth.csv"))
    found = evaluate_run(run, "nx_0", "greedy", None, later, 0, data, CPU)
    assert found["nx_0"]["greedy"]["r_tra"] == pytest.approx(50, abs=10)  # chance gives 30


def write_random_log(folder: Path, rows: int) -> Path:
    """Write the planted users' rewards for randomly shown items, by ids; one row is about an unknown user."""
    random = np.random.default_rng(1)
    users, items = random.integers(40, size=rows), random.integers(40, size=rows)
    lines = [f"u{user},i{item},{5 if item % 2 else 1},0.025" for user, item in zip(users, items, strict=True)]
    folder.mkdir()
    (folder / "log.csv").write_text("\n".join(["user_id,item_id,reward,propensity", *lines, "nobody,i0,1,0.025"]) + "\n")
    (folder / "dataset.yaml").write_text(
        "files: {interactions: log.csv}\nreward: {feedback: ratings, minimum: 1, maximum: 5}\nlog: {repeats: keep}\n"
    )
    return folder


def test_a_newer_log_with_propensities_tells_the_value(run: Path, data: Path, tmp_path: Path) -> None:
    newer = write_random_log(tmp_path / "newer", 12_000)
    found = evaluate_by_log(run, newer, 0, data, CPU)
    assert any("1 rows are about users or items that the run does not know" in note for note in found["notes"])
    assert any("propensities are as logged; the weights of uniform choice are 1.00" in note for note in found["notes"])
    # The policy's best items are liked: they pay 5. The uniform log pays 3.
    greedy = found["estimates"]["policy, greedy"]["snips"]
    assert greedy["objections"] == ()
    assert greedy["value"] == pytest.approx(5, abs=0.3)
    assert found["logged"]["value"] == pytest.approx(3, abs=0.1)
    text = to_markdown(judgement_table("mine", found))
    assert "Better than popular" in text or "Not told apart from popular" in text
    assert evaluate_by_log(run, newer, 0, data, CPU) == found


def test_a_log_that_the_run_cannot_read_is_refused(run: Path, data: Path, tmp_path: Path) -> None:
    newer = write_random_log(tmp_path / "newer", 10)
    settings = newer / "dataset.yaml"
    settings.write_text(settings.read_text().replace("maximum: 5", "maximum: 6"))
    with pytest.raises(InputError, match=r"newer: rewards are 1..6; expected the run's, 1..5"):
        evaluate_by_log(run, newer, 0, data, CPU)
    settings.write_text(settings.read_text().replace("maximum: 6", "maximum: 5"))
    (newer / "log.csv").write_text("user_id,item_id,reward\nnobody,i0,1\n")
    with pytest.raises(InputError, match="no row is about a user and an item that the run knows"):
        evaluate_by_log(run, newer, 0, data, CPU)


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
