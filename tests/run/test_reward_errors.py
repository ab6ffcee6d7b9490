"""Figure 4's errors: every epoch records the distance of the learned rewards from the truth."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from darlr.artifacts import RunFolder, read_tensors
from darlr.data.registry import load
from darlr.evaluation.reward_error import table_error
from darlr.rewards.estimates.predicted import Predicted
from darlr.run.training import Finished
from darlr.run.world_models import load_world_model
from tests.runs import train_small, write_planted_world
from tests.worlds import CPU

DUAL: Mapping[str, Any] = {"selector": {"references": 4, "pool": 8, "width": 8}, "neighbours": {"users": 3}}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Finished]:
    out = tmp_path_factory.mktemp("runs")

    @cache
    def of(method: str) -> Finished:
        return train_small(out, {"method": method, **(DUAL if method in ("darlr", "roler") else {})})

    return of


def errors(run: Finished, name: str) -> list[float]:
    return [record[f"error/{name}"] for record in RunFolder.open(run.path).metrics()]


def truth_and_estimates(run: Finished) -> tuple[Tensor, Predicted]:
    loaded = load(run.config, None)
    assert loaded.truth is not None
    world = loaded.dataset.world
    model, _ = load_world_model(run.path / "world_model.safetensors", CPU)
    return torch.from_numpy(loaded.truth.rewards), Predicted.of(model, world.users, world.items, CPU)


@pytest.mark.parametrize("method", ["mbpo", "mopo", "dorl", "roler"])
def test_static_methods_are_as_far_off_as_their_estimates(run: Callable[[str], Finished], method: str) -> None:
    truth, predicted = truth_and_estimates(run(method))
    expected = table_error(predicted.shaped(run(method).config.neighbours).rewards, truth)  # whatever the penalties
    assert errors(run(method), "table") == pytest.approx([expected] * 3)
    sampled = errors(run(method), "sampled")
    assert len(set(sampled)) == 3  # other recommendations every epoch
    assert all(0 < error < 2 * expected for error in sampled)


def test_shaped_estimates_have_an_error_of_their_own(run: Callable[[str], Finished]) -> None:
    assert errors(run("roler"), "table") != errors(run("mbpo"), "table")


def test_the_errors_of_darlr_are_those_of_the_table_as_it_stands(run: Callable[[str], Finished]) -> None:
    truth, predicted = truth_and_estimates(run("darlr"))
    tensors, _ = read_tensors(run("darlr").path / "checkpoint.safetensors")
    found = errors(run("darlr"), "table")
    assert found[-1] == pytest.approx(table_error(tensors["table"], truth))
    assert (
        len({table_error(predicted.shaped(run("darlr").config.neighbours).rewards, truth), *found}) == 4
    )  # every epoch rewrites it


def test_what_is_not_written_back_changes_no_error(tmp_path: Path) -> None:
    finished = train_small(tmp_path, {"method": "darlr", **DUAL, "refinement": {"write_back": False}})
    truth, predicted = truth_and_estimates(finished)
    expected = table_error(predicted.shaped(finished.config.neighbours).rewards, truth)  # what is paid once is not in the table
    assert errors(finished, "table") == pytest.approx([expected] * 3)
    assert all(record["refinement/change"] > 0 for record in RunFolder.open(finished.path).metrics())


def test_the_truth_has_no_error(run: Callable[[str], Finished]) -> None:
    assert errors(run("gt"), "table") == errors(run("gt"), "sampled") == [0, 0, 0]


def test_without_a_truth_there_is_no_error(tmp_path: Path) -> None:
    write_planted_world(tmp_path / "data" / "own", truth=False)
    finished = train_small(tmp_path / "runs", {"dataset": "own", "training": {"epochs": 1}}, tmp_path / "data")
    [record] = RunFolder.open(finished.path).metrics()
    assert not [name for name in record if name.startswith("error/")]
