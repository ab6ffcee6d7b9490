"""Real training on real data sets, with the settings that a user gets without asking."""

from collections.abc import Callable
from pathlib import Path

import pytest

from darlr.run.training import train
from tests.runs import Listener
from tests.worlds import CPU

pytestmark = pytest.mark.slow


def test_coat_in_ten_epochs(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    folder = real_data("coat").parent
    settings = {"dataset": "coat", "method": "dorl", "training": {"epochs": 10}}
    summary = train(settings, folder, tmp_path, CPU, Listener()).summary
    returns = {name: modes["nx_0"]["r_tra"] for name, modes in summary["opponents"].items()}
    assert returns["greedy_world_model"] >= 79.0
    assert summary["nx_0"]["sampled"]["r_tra"]["last20"]["mean"] > returns["popular"] + 2


def test_positives_of_kuairec(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    folder = real_data("kuairec-positives").parent
    settings = {
        "dataset": "kuairec-positives",
        "method": "mbpo",
        "world_model": {"max_epochs": 2},
        "training": {"epochs": 2, "steps_per_epoch": 5000},
    }
    summary = train(settings, folder, tmp_path, CPU, Listener()).summary
    returns = {name: modes["nx_0"]["r_tra"] for name, modes in summary["opponents"].items()}
    assert returns["uniform_random"] < returns["popular"] < returns["popular_skipping"] < returns["truth_oracle"]
    assert 1 <= summary["nx_0"]["sampled"]["length"]["chosen"]["mean"] <= 30
