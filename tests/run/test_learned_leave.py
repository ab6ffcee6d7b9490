"""Runs whose users leave by a hazard that the log teaches, from their settings to their summary."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darlr.artifacts.schema import require
from darlr.config.loading import merge
from darlr.data.readers.folder import read_folder
from darlr.data.readers.synthetic import generate
from darlr.data.settings import SyntheticConfig
from darlr.errors import InputError
from darlr.evaluation.finished import SUMMARY_SHAPE
from darlr.run.environments import environment_of
from darlr.run.resolution import resolve
from darlr.run.training import train_on
from darlr.run.worlds import true_world
from darlr.simulator.learned_leave import LearnedLeave
from tests.runs import SMALL, Listener
from tests.worlds import CPU

WORLD: Mapping[str, Any] = {"synthetic": {"users": 60, "items": 60, "leave": "hazard"}, "leave": {"max_steps": 10}}
LOADED = generate(SyntheticConfig(60, 60, leave="hazard"))


def run(out: Path, values: Mapping[str, Any], listener: Listener | None = None) -> dict[str, Any]:
    return train_on(LOADED, merge(merge(SMALL, WORLD), values), out, CPU, listener or Listener()).summary


@pytest.mark.parametrize("method", ["dorl", "bc", "dqn", "bayes-adaptive", "epsilon-greedy"])
def test_every_family_of_methods_learns_and_says_what_the_hazard_is(tmp_path: Path, method: str) -> None:
    listener = Listener()
    summary = run(tmp_path, {"method": method, "training": {"epochs": 1}}, listener)
    require(summary, SUMMARY_SHAPE, "summary")
    assert summary["leave"]["kind"] == "learned"
    assert summary["leave"]["weights"]["shared_categories"] == pytest.approx(0.7, abs=0.4)
    assert any(line.startswith("users leave by a hazard learned from ") for line in listener.notices)
    assert 1 < summary["nx_0"]["sampled"]["length"]["chosen"]["mean"] < 10
    assert summary["nx_10"]["sampled"]["length"]["chosen"]["mean"] == 10
    assert "popular_skipping" in summary["opponents"]


def test_two_runs_have_the_same_numbers(tmp_path: Path) -> None:
    one, other = (run(tmp_path / name, {"method": "dqn"}) for name in ("one", "other"))
    assert one["nx_0"] == other["nx_0"]
    assert (one["opponents"], one["leave"], one["simulator"]) == (other["opponents"], other["leave"], other["simulator"])


def test_tests_use_the_known_hazard_and_learning_the_fitted_one() -> None:
    config = resolve(merge(SMALL, WORLD), LOADED)
    truth = LOADED.truth
    assert truth is not None
    assert truth.leave is not None
    blind = replace(truth, leave=None)
    worlds = [true_world(config, LOADED.dataset, each, LOADED.dataset.world.items, CPU) for each in (truth, blind)]
    weights = [world.leave._weights.tolist() for world in worlds if isinstance(world.leave, LearnedLeave)]
    assert weights[0] == pytest.approx(truth.leave.weights.tolist())
    assert weights[1] != pytest.approx(truth.leave.weights.tolist(), abs=1e-3)


def test_a_test_over_several_visits(tmp_path: Path) -> None:
    summary = run(tmp_path, {"training": {"epochs": 1}, "evaluation": {"horizon": 28}})
    visits = summary["visits"]
    require(summary, SUMMARY_SHAPE, "summary")
    assert visits["days"] == 28
    assert visits["policy"]["visits"] > 2
    assert visits["policy"]["r_total"] == pytest.approx(visits["policy"]["visits"] * visits["policy"]["r_visit"])
    assert set(visits["opponents"]) < set(summary["opponents"])


def test_visits_by_a_law_that_the_log_teaches(tmp_path: Path) -> None:
    assert LOADED.truth is not None
    loaded, listener = replace(LOADED, truth=replace(LOADED.truth, leave=None, returns=None)), Listener()
    values = merge(merge(SMALL, WORLD), {"training": {"epochs": 1}, "evaluation": {"horizon": 28}})
    assert train_on(loaded, values, tmp_path, CPU, listener).summary["visits"]["policy"]["visits"] > 1
    assert any(line.startswith("users return by a law learned from ") for line in listener.notices)


@pytest.mark.slow
def test_a_policy_that_plans_keeps_users_longer_than_the_best_list_that_does_not(tmp_path: Path) -> None:
    """Items of the same category drive users away; the lists that take the best item at each step do not see it."""
    loaded = generate(SyntheticConfig(200, 100, leave="hazard", hazard_shared=1.5))
    settings = {"method": "bayes-adaptive", "training": {"epochs": 5, "steps_per_epoch": 10_000}}
    settings |= {
        "synthetic": {"users": 200, "items": 100, "leave": "hazard", "hazard_shared": 1.5},
        "evaluation": {"noise": 0.0},
    }
    summary = train_on(loaded, settings, tmp_path, CPU, Listener()).summary
    plans = summary["every_user"]["nx_0"]
    myopic = {name: modes["nx_0"] for name, modes in summary["opponents"].items() if not name.endswith("_skipping")}
    best = max(myopic.values(), key=lambda values: values["r_tra"])
    assert plans["r_tra"] > 1.1 * best["r_tra"]
    assert plans["length"] > 1.1 * best["length"]


@pytest.mark.parametrize("world", ["simulated", "true"])
def test_environments_have_the_rule(tmp_path: Path, world: Any) -> None:
    env = environment_of(merge(SMALL, WORLD), LOADED, tmp_path, world=world)
    lengths = []
    for episode in range(30):
        _, info = env.reset(seed=episode)
        steps, running = 0, True
        while running:
            _, _, ended, _, info = env.step(np.flatnonzero(info["action_mask"])[0])
            steps, running = steps + 1, not ended
        lengths.append(steps)
    assert len(set(lengths)) > 2


def folder(path: Path, header: str, rows: list[str], leave: str = "leave: {by: learned, max_steps: 5}") -> Path:
    path.mkdir()
    (path / "log.csv").write_text("\n".join([header, *rows]) + "\n")
    reward = "reward: {feedback: ratings, minimum: 1, maximum: 5}"
    (path / "dataset.yaml").write_text(f"files: {{interactions: log.csv}}\n{reward}\n{leave}\nlog: {{repeats: keep}}\n")
    return path


def visits(columns: str) -> list[str]:
    """Rows of 30 users with 8 visits each; a user leaves sooner after a bad rating."""
    random, rows = np.random.default_rng(0), []
    for user in range(30):
        for visit in range(8):
            for step in range(1, 20):
                rating = int(random.integers(1, 6))
                cells = {"timestamp": f"{86_400 * visit + 60 * step}", "session": f"{user}-{visit}", "": ""}[columns]
                rows.append(f"{user},{random.integers(12)},{rating}" + (f",{cells}" if cells else ""))
                if random.random() < 0.9 - 0.17 * rating:
                    break
    return rows


@pytest.mark.parametrize("column", ["timestamp", "session"])
def test_an_own_log_with_times_or_sessions_and_without_a_truth(tmp_path: Path, column: str) -> None:
    loaded = read_folder(folder(tmp_path / "own", f"user_id,item_id,reward,{column}", visits(column)))
    values = merge(SMALL, {"training": {"epochs": 1}, "evaluation": {"held_out": 0.2}})
    summary = train_on(loaded, values, tmp_path / "runs", CPU, Listener()).summary
    assert summary["leave"]["kind"] == "learned"
    assert summary["leave"]["sessions"] == 240  # of the whole log, though rows are held out
    assert summary["leave"]["weights"]["reward"] < -2


@pytest.mark.parametrize(
    ("header", "leave", "message"),
    [
        ("user_id,item_id,reward", "leave: {by: learned}", "neither sessions nor times"),
        ("user_id,item_id,reward,timestamp", "leave: {by: never, session_gap: 5}", "reads no sessions"),
        ("user_id,item_id,reward,timestamp", "leave: {by: learned, session_gap: 0}", "'leave.session_gap' is 0.0"),
    ],
)
def test_refuses(tmp_path: Path, header: str, leave: str, message: str) -> None:
    path = folder(tmp_path / "own", header, visits(header.partition("reward")[2].strip(",")), leave)
    with pytest.raises(InputError, match=message):
        resolve(SMALL, read_folder(path))


def test_refuses_slates() -> None:
    with pytest.raises(InputError, match="the hazard knows steps of one item"):
        resolve(merge(merge(SMALL, WORLD), {"method": "slateq", "slate": {"size": 2}}), LOADED)


def test_refuses_visits_without_a_truth_or_times(tmp_path: Path) -> None:
    values = merge(SMALL, {"evaluation": {"horizon": 7}})
    with pytest.raises(InputError, match="no truth to play visits in"):
        resolve(values, replace(LOADED, truth=None))
    assert LOADED.truth is not None
    timeless = replace(LOADED.dataset, log=replace(LOADED.dataset.log, times=None))
    with pytest.raises(InputError, match="the log has no times"):
        resolve(merge(values, WORLD), replace(LOADED, dataset=timeless, truth=replace(LOADED.truth, returns=None)))


def test_the_reference_code_has_no_such_rule() -> None:
    with pytest.raises(InputError, match=r"the reference code \('reference_quirks'\) has no such rule"):
        resolve(merge(merge(SMALL, WORLD), {"reference_quirks": True}), LOADED)
