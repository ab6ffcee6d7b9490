"""What every method does, whatever its recipe: it learns, obeys the masks, repeats its numbers, resumes and serves."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from darlr.experiment.evaluating import evaluate_run
from darlr.experiment.run import Finished
from darlr.methods import METHODS
from darlr.recommender import Recommender, Request
from tests.runs import Listener, results, train_small, write_planted_world
from tests.worlds import CPU

LEARNING: Mapping[str, Any] = {
    "dataset": "planted",
    "world_model": {"max_epochs": 5, "learning_rate": 0.01},
    "a2c": {"learning_rate": 0.02, "minibatch_size": 128},
    "offline": {"learning_rate": 0.01, "batch_size": 64, "updates_per_epoch": 100, "target_sync": 30},
    "cql": {"min_q_weight": 0.1},
    "crr": {"min_q_weight": 0.1},
    "training": {"epochs": 4, "steps_per_epoch": 1000},
}


class Stopper(Listener):
    """Interrupts the run after its first epoch."""

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        raise KeyboardInterrupt


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_planted_world(folder / "planted")
    return folder


def settings(method: str) -> Mapping[str, Any]:
    """Those of `LEARNING`, with as many neighbours and references as the planted world's 20 users allow."""
    values = {**LEARNING, "method": method}
    if "neighbours.users" not in METHODS[method].fixed:
        values["neighbours"] = {"users": 3}
    if METHODS[method].learner == "darlr":
        values["selector"] = {"references": 3, "pool": 6, "width": 16}
    return values


@pytest.fixture(scope="module", params=METHODS)
def run(request: pytest.FixtureRequest, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return train_small(tmp_path_factory.mktemp("runs"), settings(request.param), data)


def test_learns_what_is_liked(run: Finished) -> None:
    uniform = run.summary["opponents"]["uniform_random"]["nx_0"]["r_tra"]
    best = run.summary["opponents"]["truth_oracle"]["nx_0"]["r_tra"]
    assert best == 50
    assert uniform == pytest.approx(30, rel=0.1)
    for policy in ("sampled", "greedy"):
        assert run.summary["nx_0"][policy]["r_tra"]["chosen"]["mean"] > (uniform + best) / 2


@pytest.mark.parametrize("mode", ["nx_0", "nx_10"])
def test_never_recommends_an_item_twice(run: Finished, data: Path, mode: str) -> None:
    for policy in ("sampled", "greedy"):
        found = evaluate_run(run.path, mode, policy, 1, None, 0, data, CPU)
        assert found[mode][policy]["length"] == 10
        assert found[mode][policy]["cv_turn"] == 1


def test_an_interrupted_run_goes_on_to_the_same_numbers(run: Finished, data: Path, tmp_path: Path) -> None:
    values = settings(run.config.method)
    with pytest.raises(KeyboardInterrupt):
        train_small(tmp_path, values, data, Stopper())
    listener = Listener()
    assert results(train_small(tmp_path, values, data, listener).path) == results(run.path)
    assert (listener.fits, listener.begun, listener.epochs) == (0, 1, [2, 3, 4])


def test_serves_from_its_folder_alone(run: Finished, tmp_path: Path) -> None:
    moved = shutil.copytree(run.path, tmp_path / "elsewhere")
    [answer] = Recommender.load(moved).recommend([Request("u30")], count=5)
    liked = [int(str(recommendation.item)[1:]) % 2 for recommendation in answer]
    assert sum(liked) >= 4
