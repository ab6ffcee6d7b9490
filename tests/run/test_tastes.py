"""Methods that learn from the log alone, in a world where no list is worth more than another: they learn from the answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from darlr.config.loading import merge
from darlr.run.training import train
from darlr.testing.monitors import Silent
from tests.tastes import LIST, TASTES, write_tastes
from tests.worlds import CPU

pytestmark = pytest.mark.slow  # each learns for some seconds

SETTINGS: Mapping[str, Any] = {
    "dataset": TASTES,
    "tracker": {"window": 1},
    "world_model": {"members": 2, "max_epochs": 10},
    "offline": {"batch_size": 128, "updates_per_epoch": 300},
    "training": {"epochs": 4},
    "evaluation": {"episodes": 40},
}
OWN: Mapping[str, Mapping[str, Any]] = {
    "bc": {},
    "weighted-likelihood": {},
    "iql": {},
    "topk-reinforce": {},
    "decision-transformer": {},
    "cql": {},
    "crr": {},
    "bcq": {"offline": {"n_step": 1}},  # the mean of three logged steps tells little of the first one's item
    # A taste is an item together with its answer, which linear heads cannot tell; and no item changes what later ones pay.
    "sqn": {"policy": {"hidden_sizes": [64, 64]}, "offline": {"discount": 0.0}},
}
"""Settings by method, beside `SETTINGS`."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log in which three of four answers are good ones."""
    folder = tmp_path_factory.mktemp("data")
    write_tastes(folder / TASTES, liked=0.75)
    return folder


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs lie; they share their world model."""
    return tmp_path_factory.mktemp("runs")


@pytest.mark.parametrize("method", OWN)
def test_beats_the_best_list(method: str, data: Path, out: Path) -> None:
    summary = train(merge({**SETTINGS, "method": method}, OWN[method]), data, out, CPU, Silent()).summary
    lists = {name: modes["nx_0"]["r_tra"] for name, modes in summary["opponents"].items() if name != "truth_oracle"}
    assert lists["popular"] == lists["item_mean"] == pytest.approx(LIST)
    best = max(lists.values())
    assert best < LIST + 2  # lists that differ by user are right for a few more, or for fewer
    for policy, more in (("sampled", 2), ("greedy", 5)):
        assert summary["nx_0"][policy]["r_tra"]["chosen"]["mean"] > best + more, policy
