"""What every method keeps to, whatever its recipe: it learns, obeys masks, repeats its numbers, resumes, serves and scales.

The methods are those of `darlr.methods.table.METHODS`: a new one is tested by being there.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from darlr.agents.settings import SelectorConfig
from darlr.artifacts import RunFolder
from darlr.data.registry import load
from darlr.evaluation.judging import TruthJudge
from darlr.methods.registry import METHODS
from darlr.run.evaluating import evaluate_run
from darlr.run.saved import SavedPolicy
from darlr.run.training import Finished
from darlr.run.worlds import true_world
from darlr.serving.recommender import Recommender, Request
from tests.runs import Listener, output_of, results, train_small, without_seconds, write_truth
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
LARGE: Mapping[str, Any] = {
    "synthetic": {"users": 8, "items": 8000},
    "world_model": {"members": 1, "max_epochs": 1},
    "leave": {"max_steps": 10},
    "offline": {"updates_per_epoch": 2},
    "training": {"epochs": 1, "steps_per_epoch": 100},
}
LARGE_MIB = 600
"""What a run in the world of `LARGE` may take beside the interpreter and its libraries: less than all quantiles of
all items' returns would, for a batch of the offline agents."""

ON_A_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here")


class Stopper(Listener):
    """Interrupts the run after its first epoch."""

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        raise KeyboardInterrupt


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs lie; methods share their world models."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def out_again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the same runs are made once more."""
    return tmp_path_factory.mktemp("again")


def settings(method: str, world: Mapping[str, Any] = LEARNING) -> dict[str, Any]:
    """Those of `world`, with as few neighbours and references as a small world has."""
    values = {**world, "method": method}
    if "neighbours.users" not in METHODS[method].fixed:
        values["neighbours"] = {"users": 3}
    if SelectorConfig in METHODS[method].reads:
        values["selector"] = {"references": 3, "pool": 6, "width": 16}
    return values


@pytest.fixture(scope="module", params=METHODS)
def run(request: pytest.FixtureRequest, planted: Path, out: Path) -> Finished:
    return train_small(out, settings(request.param), planted)


def liked(run: Path, device: str = "cpu") -> int:
    """How many of the five items recommended first to a user are liked."""
    [answer] = Recommender.load(run, device).recommend([Request("u30")], count=5)
    return sum(int(str(recommendation.item)[1:]) % 2 for recommendation in answer)


def test_learns_what_is_liked(run: Finished) -> None:
    uniform = run.summary["opponents"]["uniform_random"]["nx_0"]["r_tra"]
    best = run.summary["opponents"]["truth_oracle"]["nx_0"]["r_tra"]
    assert best == 50
    assert uniform == pytest.approx(30, rel=0.1)
    for policy in ("sampled", "greedy"):
        assert run.summary["nx_0"][policy]["r_tra"]["chosen"]["mean"] > (uniform + best) / 2


def test_tells_what_share_each_category_has_in_the_end(run: Finished) -> None:
    shares = run.summary["categories"]  # an item has one of two, and a step with one of the second pays 5, else 1
    last = RunFolder.open(run.path).metrics()[-1]["nx_0/sampled/r_each"]
    assert shares["a"]["recommended"] + shares["b"]["recommended"] == pytest.approx(1.0)
    assert shares["b"]["recommended"] == pytest.approx((last - 1) / 4, abs=0.15)
    # Without a threshold every row counts as liked; 405 and 395 of 800 have the two, so one dominates.
    assert (shares["a"]["liked"], shares["b"]["liked"]) == (405 / 800, 395 / 800)
    assert (shares["a"]["dominant"], shares["b"]["dominant"]) == (True, False)


@pytest.mark.parametrize("policy", ["sampled", "greedy"])
def test_never_recommends_an_item_twice(run: Finished, planted: Path, policy: str) -> None:
    for mode, policies in evaluate_run(run.path, "all", policy, 1, None, 0, planted, CPU).items():
        assert policies[policy]["length"] == 10
        assert mode == "fb" or policies[policy]["cv_turn"] == 1


@pytest.mark.parametrize("policy", ["sampled", "greedy"])
def test_never_recommends_what_the_world_lacks(run: Finished, planted: Path, tmp_path: Path, policy: str) -> None:
    """A world of twelve items that the log disliked, but which pay: whatever else is recommended pays nothing."""
    other = shutil.copytree(planted / "planted", tmp_path / "other")
    write_truth(other / "truth.csv", range(20), best=1, worst=5, items=range(0, 24, 2))
    for policies in evaluate_run(run.path, "all", policy, None, other, 0, planted, CPU).values():
        assert policies[policy]["r_tra"] == 50


def test_an_interrupted_run_goes_on_to_the_same_numbers(run: Finished, planted: Path, out_again: Path) -> None:
    values = settings(run.config.method)
    with pytest.raises(KeyboardInterrupt):
        train_small(out_again, values, planted, Stopper())
    listener = Listener()
    assert results(train_small(out_again, values, planted, listener).path) == results(run.path)
    assert (listener.fits, listener.begun, listener.epochs) == (0, 1, [2, 3, 4])


def test_another_seed_gives_other_numbers(run: Finished, planted: Path, out: Path) -> None:
    values = settings(run.config.method) | {"seed": 1, "training": {"epochs": 1, "steps_per_epoch": 1000}}
    [other] = RunFolder.open(train_small(out, values, planted).path).metrics()
    assert without_seconds(other) != without_seconds(RunFolder.open(run.path).metrics()[0])


def test_the_saved_policy_plays_its_epochs_test_again(run: Finished, planted: Path) -> None:
    """Every metric of every mode comes out as it was recorded, so it recommends as it did before it was saved."""
    saved, loaded = SavedPolicy(RunFolder.open(run.path), CPU), load(run.config, planted)
    assert loaded.truth is not None
    assert saved.epoch == run.summary["chosen_epoch"]
    world = true_world(run.config, loaded.dataset, loaded.truth, saved.world_items, CPU)
    judge = TruthJudge(run.config, loaded.dataset, world, CPU)
    again = judge.test(saved.network(saved.world_users).scorer(), saved.epoch)
    record = RunFolder.open(run.path).metrics()[saved.epoch - 1]
    assert len(again) > 30
    assert again == {name: record[name] for name in again}


def test_serves_from_its_folder_alone(run: Finished, tmp_path: Path) -> None:
    moved = shutil.copytree(run.path, tmp_path / "elsewhere")
    assert liked(moved) >= 4
    recent = Request("newcomer", ("i1", "i8"), (5, 1))
    [answer] = Recommender.load(moved).recommend([recent], count=38)
    assert {recommendation.item for recommendation in answer} == {f"i{item}" for item in range(40)} - {"i1", "i8"}
    assert sum(recommendation.score for recommendation in answer) == pytest.approx(1)


@ON_A_GPU
@pytest.mark.parametrize("method", METHODS)
def test_runs_on_a_gpu(method: str, planted: Path, tmp_path: Path) -> None:
    cuda = torch.device("cuda")
    with pytest.raises(KeyboardInterrupt):
        train_small(tmp_path, settings(method), planted, Stopper(), cuda)
    finished = train_small(tmp_path, settings(method), planted, device=cuda)
    test_learns_what_is_liked(finished)
    assert liked(finished.path, "cuda") >= 4
    assert liked(finished.path, "cpu") >= 4


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, float]]:
    """Method -> how a process ended that ran it in the world of `LARGE`, and the MiB that it took for that."""
    out = tmp_path_factory.mktemp("large")
    program = f"""
        import json, os, resource, torch
        from pathlib import Path
        from darlr.methods.registry import METHODS
        from tests.run.test_contract import LARGE, settings
        from tests.runs import train_small

        torch.set_num_threads(1)
        out = Path({str(out)!r})
        train_small(out / "first")  # whatever is imported late is there before the others are measured
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = {{}}
        for method in METHODS:
            child = os.fork()
            if child == 0:
                train_small(out, settings(method, LARGE))
                os._exit(0)
            _, status, usage = os.wait4(child, 0)
            found[method] = os.waitstatus_to_exitcode(status), (usage.ru_maxrss - before) / 1024
        print(json.dumps(found))
        """
    found: dict[str, tuple[int, float]] = json.loads(output_of(program))
    return found


@pytest.mark.parametrize("method", METHODS)
def test_thousands_of_items_fit(large: dict[str, tuple[int, float]], method: str) -> None:
    code, mib = large[method]
    assert code == 0
    assert mib < LARGE_MIB
