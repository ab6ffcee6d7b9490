"""Runs whose collections are played in groups (`training.groups`)."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from darlr.cluster.workers import HERE, Workers
from darlr.config.loading import merge
from darlr.data.registry import load
from darlr.errors import InputError
from darlr.methods.experiment import experiment_config
from darlr.methods.registry import METHODS
from darlr.run.training import train_on
from tests.run.test_resuming import StoppedError, Stopping
from tests.runs import SMALL, SMALL_WORLD, Listener, results, train_small
from tests.workers import Elsewhere
from tests.worlds import CPU

DIVIDED = [name for name, method in METHODS.items() if not method.undivided]
BOTH: Mapping[str, Workers] = {"here": HERE, "elsewhere": Elsewhere()}
GROUPS = {"training": {"groups": 3, "epochs": 2}}


def trained(out: Path, changes: Mapping[str, Any], workers: Workers, listener: Listener | None = None) -> Path:
    values = merge(merge(SMALL, SMALL_WORLD), merge(GROUPS, changes))
    return train_on(load(experiment_config(values), None), values, out, CPU, listener or Listener(), workers=workers).path


@pytest.mark.parametrize("method", DIVIDED)
def test_roll_outs_elsewhere_change_no_number(method: str, tmp_path: Path) -> None:
    here, elsewhere = (trained(tmp_path / name, {"method": method}, workers) for name, workers in BOTH.items())
    assert results(here) == results(elsewhere)
    name = "checkpoint.safetensors"
    assert (here / name).read_bytes() == (elsewhere / name).read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "dorl", "policy": {"actor": "belief"}, "world_model": {"kind": "factors"}},
        {"method": "dorl", "reward": {"kind": "intrinsic"}},
        {"method": "dorl", "leave": {"by": "distance"}},
        {"method": "mopo", "reward": {"table_cells": 100}},
        {"method": "bayes-adaptive", "reward": {"table_cells": 100}, "policy": {"candidates": 20}},
        {"method": "mopo", "policy": {"candidates": 12}},
        {
            "method": "ppo",
            "policy": {"candidates": 12, "prior_weight": 1.0},
            "reward": {"table_cells": 100},
            "world_model": {"kind": "factors"},
        },
    ],
)
def test_other_actors_rewards_and_rules_can_travel(changes: Mapping[str, Any], tmp_path: Path) -> None:
    here, elsewhere = (trained(tmp_path / name, changes, workers) for name, workers in BOTH.items())
    assert results(here) == results(elsewhere)


class Recording(Elsewhere):
    """Keeps what it was given to hold."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def hold(self, values: Iterable[Any]) -> Sequence[Any]:
        held = super().hold(values)
        self.sent.extend(held)
        return held


def test_users_posteriors_travel_once(tmp_path: Path) -> None:
    workers = Recording()
    run = trained(tmp_path, {"method": "bayes-adaptive", "world_model": {"kind": "factors"}}, workers)
    covariances = load_file(run / "world_model.safetensors")["users.covariances"].numpy().tobytes()
    assert max(workers.sent, key=len).count(covariances) == 1  # of the player


@pytest.mark.parametrize("method", ["dorl", "bayes-adaptive"])
def test_a_stopped_run_goes_on_to_the_same_numbers(method: str, tmp_path: Path) -> None:
    changes = {"method": method, "training": {"epochs": 3}}
    with pytest.raises(StoppedError):
        trained(tmp_path / "stopped", changes, HERE, Stopping(2))
    resumed = trained(tmp_path / "stopped", changes, Elsewhere())
    assert results(resumed) == results(trained(tmp_path / "undisturbed", changes, HERE))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "darlr"}, "is 3, but method 'darlr' rewrites its rewards after each collection; expected 1"),
        ({"method": "dqn"}, "is 3, but method 'dqn' learns from a replay, which takes more time than its episodes; expected 1"),
        ({"method": "sqn"}, "is 3, but method 'sqn' has no collections of episodes that could be divided; expected 1"),
        ({"method": "dorl", "reference_quirks": True}, "is 3, but the references ('reference_quirks') play collections whole"),
        (
            {"method": "dorl", "training": {"groups": 11}},
            "is 11, but 'training.environments' is 10; expected at most one group",
        ),
    ],
)
def test_what_cannot_be_divided_is_refused(changes: Mapping[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^config key 'training\.groups' ") as refused:
        train_small(tmp_path, merge(GROUPS, changes))
    assert message in str(refused.value)
    assert not list(tmp_path.iterdir())
