"""Runs whose policy chooses among candidates in episodes (`policy.candidates`)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from darlr.artifacts import RunFolder
from darlr.config.loading import merge
from darlr.errors import InputError
from darlr.methods.registry import METHODS
from darlr.run.saved import SavedPolicy
from darlr.run.training import train
from darlr.serving.export.users import users_of
from darlr.serving.messages import Request
from darlr.serving.recommender import Recommender
from darlr.testing.methods import METHOD_CHECKS, MethodCheck, TrainedMethod, train_method
from darlr.testing.monitors import Interrupter
from darlr.world.window import Window
from tests.run.test_contract import settings
from tests.runs import SMALL, SMALL_WORLD, results, train_small
from tests.worlds import CPU

AMONG: Mapping[str, Any] = {"policy": {"candidates": 12}}
DARLR: Mapping[str, Any] = {"method": "darlr", "selector": {"references": 3, "pool": 8}}
NOTE = "in episodes the policy chooses among a user's 12 best of 50 items and the best of each category"


@pytest.fixture(scope="module", params=["mopo", "ppo", pytest.param("darlr", marks=pytest.mark.slow)])
def trained(request: pytest.FixtureRequest, planted: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainedMethod:
    method = METHODS[request.param]
    return train_method(method, merge(settings(method.name), AMONG), planted, tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize("check", METHOD_CHECKS, ids=lambda check: check.__name__)
def test_keeps_the_contract(check: MethodCheck, trained: TrainedMethod, tmp_path: Path) -> None:
    check(trained, tmp_path)


@pytest.mark.parametrize("changes", [{"method": "mopo"}, DARLR, {"method": "reinforce"}], ids=lambda changes: changes["method"])
def test_a_run_says_so_and_recommends_few_items(changes: Mapping[str, Any], tmp_path: Path) -> None:
    few, every = (train_small(tmp_path / name, merge(changes, more)) for name, more in (("few", AMONG), ("all", {})))
    assert NOTE in few.summary["notes"]
    assert NOTE not in every.summary["notes"]
    assert few.summary["every_user_sampled"]["nx_0"]["r_tra"] > every.summary["every_user_sampled"]["nx_0"]["r_tra"]


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "mopo", "reward": {"table_cells": 0}, "world_model": {"kind": "factors"}, "policy": {"prior_weight": 2.0}},
        merge(DARLR, {"reward": {"table_cells": 0}, "policy": {"head": "tied", "category_window": 2}}),
        {"method": "roler", "neighbours": {"users": 4}},
    ],
    ids=lambda changes: changes["method"],
)
def test_a_stopped_run_goes_on_to_the_same_numbers(changes: Mapping[str, Any], tmp_path: Path) -> None:
    chosen = merge(changes, AMONG)
    whole = train_small(tmp_path / "whole", chosen)
    with pytest.raises(KeyboardInterrupt):
        train(merge(merge(SMALL, SMALL_WORLD), chosen), None, tmp_path / "stopped", CPU, Interrupter())
    assert results(train_small(tmp_path / "stopped", chosen).path) == results(whole.path)


def test_the_estimates_in_the_logits_are_the_same_without_a_table(tmp_path: Path) -> None:
    settings = {"method": "mopo", "world_model": {"kind": "factors"}, "policy": {"prior_weight": 2.0, "candidates": 12}}
    saved = []
    for most in (10_000, 0):
        run = train_small(tmp_path / str(most), merge(settings, {"reward": {"table_cells": most}, "training": {"epochs": 1}}))
        saved.append(SavedPolicy(RunFolder.open(run.path), CPU))
    torch.testing.assert_close(saved[0].average_user["prior"], saved[1].average_user["prior"], rtol=1e-4, atol=1e-4)
    users, window = torch.arange(5), Window.at_start(50, 4, CPU)
    windows = Window(window.items.expand(5, -1), window.rewards.expand(5, -1))
    kept, asked = (each.network(each.world_users) for each in saved)
    asked.load_state_dict(kept.state_dict())
    torch.testing.assert_close(kept.scorer()(users, windows), asked.scorer()(users, windows), rtol=1e-3, atol=1e-3)


def test_estimates_of_a_network_on_request_are_not_exported(tmp_path: Path) -> None:
    changes = {"policy": {"prior_weight": 1.0, "candidates": 12}, "reward": {"table_cells": 0}, "training": {"epochs": 1}}
    run = train_small(tmp_path, merge({"method": "mopo"}, changes))
    with pytest.raises(InputError, match=r"computes estimates of its 40 users on request, and an ONNX file needs a table"):
        users_of(SavedPolicy(RunFolder.open(run.path), CPU), None)


def test_served_lists_rank_all_items(tmp_path: Path) -> None:
    run = train_small(tmp_path, merge({"method": "mopo"}, AMONG))
    [answer] = Recommender.load(run.path).recommend([Request(3, exclude_seen=False)], count=20)
    assert len(list(answer)) == 20
