"""Runs whose steps show slates: settings, tests, resuming and serving."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from darlr.artifacts import RunFolder
from darlr.config.loading import merge
from darlr.data.registry import load
from darlr.errors import InputError
from darlr.methods.experiment import experiment_config
from darlr.methods.registry import METHODS
from darlr.methods.slateq import SlateQ, slate_values
from darlr.run.environments import make_env
from darlr.run.evaluating import evaluate_run
from darlr.run.resolution import resolve
from darlr.run.saved import SavedPolicy
from darlr.run.worlds import lookback_of
from darlr.serving.export.writing import export_policy
from darlr.serving.messages import Request
from darlr.serving.recommender import Recommender
from darlr.testing.methods import (
    SMALL,
    TrainedMethod,
    goes_on_among_other_items,
    resumes_to_the_same_numbers,
    serves_from_its_folder_alone,
    the_saved_policy_plays_its_test_again,
    train_method,
)
from darlr.testing.planted import ITEMS, LONGEST, PLANTED
from darlr.world.window import Window
from tests.worlds import CPU

SLATES: Mapping[str, Any] = {"slate": {"size": 3, "nothing": 0.25}}
SHOWING = [name for name, method in METHODS.items() if method.slates]
QUICK: Mapping[str, Any] = {"training": {"epochs": 1, "steps_per_epoch": 200}, "offline": {"updates_per_epoch": 5}}
BRIEF: Mapping[str, Any] = {"world_model": {"members": 1, "max_epochs": 1}, "evaluation": {"episodes": 5, "noise": 0.0}}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs lie; methods share their world models."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def trained(planted: Path, out: Path) -> TrainedMethod:
    return train_method(METHODS["slateq"], SLATES, planted, out)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_shows_slates_or_refuses_them_in_a_line(method: str, planted: Path) -> None:
    values = merge(merge(SMALL, SLATES), {"method": method})
    loaded = load(experiment_config(values), planted)
    if METHODS[method].slates:
        assert resolve(values, loaded).slate.size == 3
    else:
        with pytest.raises(InputError, match=rf"'slate\.size' is 3, but method '{method}' recommends one item at a time"):
            resolve(values, loaded)


@pytest.mark.parametrize("method", SHOWING)
def test_slates_are_shown_measured_and_not_repeated(method: str, planted: Path, out: Path) -> None:
    run = train_method(METHODS[method], merge(merge(SLATES, QUICK), BRIEF), planted, out).run
    record = RunFolder.open(run.path).metrics()[-1]
    for policy in ("sampled", "greedy"):
        values = {name: record[f"nx_0/{policy}/{name}"] for name in ("r_tra", "length", "r_slot", "choice_rate")}
        assert values["length"] == LONGEST  # nobody leaves the planted world
        assert values["r_slot"] == pytest.approx(values["r_tra"] / (3 * LONGEST))
        assert 0.5 < values["choice_rate"] <= 1  # few users find nothing among three items
    for metrics in evaluate_run(run.path, "nx_0", "both", 1, None, 0, planted, CPU)["nx_0"].values():
        assert metrics["cv_turn"] == 1
        assert metrics["cv"] == 3 * LONGEST / ITEMS
    assert all("choice_rate" in modes["nx_0"] for modes in run.summary["opponents"].values())


def test_learns_more_than_the_lists_and_as_much_as_its_own_recorded_numbers(trained: TrainedMethod, tmp_path: Path) -> None:
    summary = trained.run.summary
    every_user = summary["every_user"]["nx_0"]["r_tra"]
    lists = {name: modes["nx_0"]["r_tra"] for name, modes in summary["opponents"].items() if name != "popular"}
    assert every_user > max(lists.values())  # which show all that is liked at once, and then nothing of it is left


@pytest.mark.parametrize(
    "check",
    [
        resumes_to_the_same_numbers,
        the_saved_policy_plays_its_test_again,
        serves_from_its_folder_alone,
        goes_on_among_other_items,
    ],
    ids=lambda check: check.__name__,
)
def test_keeps_the_contract_with_slates(check: Any, trained: TrainedMethod, tmp_path: Path) -> None:
    check(trained, tmp_path)


def test_the_list_that_is_served_is_the_best_slate(trained: TrainedMethod) -> None:
    path = trained.run.path
    saved = SavedPolicy(RunFolder.open(path), CPU)
    user, candidates = saved.user_ids.tolist().index("u5"), list(range(9))
    policy = saved.network(np.array([user]))
    assert isinstance(policy, SlateQ)
    start = Window.at_start(ITEMS, lookback_of(saved.config), CPU)
    blocked = torch.ones(1, ITEMS, dtype=torch.bool)
    blocked[:, candidates] = False
    with torch.no_grad():
        scores = policy.scorer()(torch.tensor([0]), start, blocked)
        utilities = policy.choice.utilities(policy.estimates[[0]])
        values = {
            slate: float(slate_values(scores, utilities, policy.choice, torch.tensor([slate])))
            for slate in combinations(candidates, 3)
        }
    names = saved.item_ids[saved.world_items]
    request = Request("u5", candidates=[str(names[item]) for item in candidates], exclude_seen=False, history="none")
    [answer] = Recommender.load(path).recommend([request], count=3)
    found = tuple(sorted(names.tolist().index(entry.item) for entry in answer))
    assert values[found] == pytest.approx(max(values.values()), abs=1e-5)


def test_other_seeds_of_a_test_make_users_choose_otherwise(trained: TrainedMethod) -> None:
    tests = [
        evaluate_run(trained.run.path, "nx_0", "greedy", None, None, seed, trained.data, CPU)["nx_0"]["greedy"]
        for seed in (0, 0, 1)
    ]
    assert tests[0] == tests[1] != tests[2]


def test_environments_and_exports_refuse_slates(trained: TrainedMethod, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="environments take one item a step"):
        make_env(trained.settings, trained.data, tmp_path)
    with pytest.raises(InputError, match="shows slates, and an exported policy scores items one by one"):
        export_policy(trained.run.path, tmp_path / "export")


def test_slates_and_single_recommendations_are_different_runs(planted: Path) -> None:
    single, slates = ({"dataset": PLANTED, "method": "ucb", "slate": {"size": size}} for size in (1, 2))
    loaded = load(experiment_config(single), planted)
    assert resolve(single, loaded) == resolve({"dataset": PLANTED, "method": "ucb"}, loaded)
    assert resolve(single, loaded) != resolve(slates, loaded)
