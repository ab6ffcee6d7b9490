"""Lines about users' selection."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darlr.artifacts import read_tensors
from darlr.data.dataset import Dataset
from darlr.methods.experiment import experiment_config
from darlr.run.selection import selection_lines
from tests.runs import Listener, train_small
from tests.worlds import dataset_of, log_of

COUNTS = [4, 8, 16, 32, 64]


def lines_of(dataset: Dataset, **selection: float) -> list[str]:
    return selection_lines(dataset, experiment_config({"selection": selection}))


def declining(exponent: float) -> Dataset:
    """Make a log whose users give 4 n^-exponent, with n their number of rows, whatever the item; items are equally often
    rated.
    """
    users = [(user, count) for user, count in enumerate(COUNTS * 20)]
    rows = [(user, (7 * user + place) % 64, 4 * count**-exponent) for user, count in users for place in range(count)]
    return dataset_of(log_of(rows, 100, 64))


def test_the_log_alone() -> None:
    [line] = lines_of(declining(0.3))
    start = "selection, by the log: exponent "
    assert line.startswith(start)
    assert float(line.removeprefix(start).split(";")[0]) == pytest.approx(0.3, abs=0.05)
    assert line.endswith("so estimates of items that few chose are lowered")
    [line] = lines_of(declining(-0.05))
    assert line.startswith("selection, by the log: exponent 0; active users do not rate lower")
    even = dataset_of(log_of([(user, item, (user + item) % 5) for user in range(10) for item in range(4)], 10, 4))
    assert "equally active" in lines_of(even)[0]


def test_randomly_shown_items_positives_and_a_given_exponent() -> None:
    dataset = declining(0.3)
    shown = replace(dataset.log.rows(np.arange(3)), rewards=np.array([1, 1, 2.5], np.float32))
    mean = float(dataset.log.rewards.mean())
    assert lines_of(replace(dataset, randomised=shown))[1] == (
        f"selection, by randomly shown items: they got 1.5 on average, logged ones {mean:.3g}; runs go by this"
    )
    assert lines_of(dataset, exponent=0.2) == ["selection: the exponent is set to 0.2 (selection.exponent)"]
    positives = dataset_of(log_of([(0, 0, 1), (1, 1, 1)], 2, 2, positive_only=True))
    assert lines_of(positives)[0].startswith("selection: exponent 0; the log holds positives alone")


def test_a_run_tells_what_its_fit_found(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "method": "bayes-adaptive",
        "factors": {"size": 1, "link": "log"},
        "synthetic": {"users": 60, "items": 60, "selection": "free", "selection_strength": 4.0, "randomised": 500},
        "training": {"epochs": 1, "steps_per_epoch": 60, "environments": 10},
    }
    listener = Listener()
    finished = train_small(tmp_path, values, listener=listener)
    found = finished.summary["selection"]
    assert found["source"] == "randomised"
    assert found["rows"] == 500
    assert found["exponent"] > 0.02
    [told] = [text for text in listener.notices if "selection.exponent" in text]
    assert told == f"selection.exponent {found['exponent']:.3g}: {found['reason']}"
    assert "randomly shown pairs gave" in told
    _, state = read_tensors(finished.path / "world_model.safetensors")
    assert state["fit"]["selection"] == found
    assert state["selection_exponent"] == found["exponent"]


def test_a_run_without_the_law_tells_nothing(tmp_path: Path) -> None:
    listener = Listener()
    finished = train_small(tmp_path, {"method": "mbpo"}, listener=listener)
    assert "selection" not in finished.summary
    assert not [text for text in listener.notices if "selection" in text]
