"""A run's records -> the reported statistics, worked by hand."""

import math
from typing import Any

import pytest

from darlr.errors import InputError
from darlr.evaluation.summary import summarise


def records(returns: list[float], simulated: list[float | None]) -> list[dict[str, Any]]:
    return [
        {
            "epoch": epoch,
            "steps": 1000 * epoch,
            "nx_0/sampled/r_tra": value,
            "nx_0/sampled/mcd": None,
            "nx_10/greedy/cv": 0.5,
            "simulator/sampled/r_tra": best,
            "seconds/sampling": 2.0,
            "seconds/learning": 3.0,
            "seconds/testing": 1.0,
            "loss/policy": -1.0,
        }
        for epoch, (value, best) in enumerate(zip(returns, simulated, strict=True), start=1)
    ]


def test_paper_last20_and_chosen_by_hand() -> None:
    # Six epochs: the last 20%, rounded up, are two. The simulator is best at epochs 3 and 5: the first counts.
    summary = summarise(records([1, 2, 4, 8, 10, 5], [0, 1, 9, 3, 9, 2]))
    found = summary["nx_0"]["sampled"]["r_tra"]
    # mean 30 / 6 = 5; squared distances 16 + 9 + 1 + 9 + 25 + 0 = 60; 60 / 5 = 12
    assert found["paper"] == {"mean": 5, "std": pytest.approx(math.sqrt(12))}
    assert found["last20"] == {"mean": 7.5, "std": pytest.approx(math.sqrt(12.5))}
    assert found["chosen"] == {"mean": 4, "std": None}
    assert summary["chosen_epoch"] == 3


def test_epochs_steps_and_seconds() -> None:
    summary = summarise(records([1, 2], [0, 0]))
    assert (summary["epochs"], summary["steps"]) == (2, 2000)
    assert summary["seconds"] == {"sampling": 4.0, "learning": 6.0, "testing": 2.0}
    assert summary["steps_per_second"] == 200.0


def test_modes_and_policies_nest_and_other_entries_stay_out() -> None:
    summary = summarise(records([1, 2], [0, 1]))
    assert summary["nx_10"]["greedy"]["cv"]["paper"] == {"mean": 0.5, "std": 0.0}
    assert summary["simulator"]["sampled"]["r_tra"]["chosen"]["mean"] == 1
    assert "loss" not in summary
    assert "mcd" not in summary["nx_0"]["sampled"]  # no epoch has it


def test_one_epoch_has_no_spread() -> None:
    found = summarise(records([3.0], [1.0]))["nx_0"]["sampled"]["r_tra"]
    assert found == {name: {"mean": 3.0, "std": None} for name in ("paper", "last20", "chosen")}


def test_without_a_simulator_no_epoch_is_chosen() -> None:
    summary = summarise(records([1, 2], [None, None]))
    assert summary["chosen_epoch"] is None
    assert summary["nx_0"]["sampled"]["r_tra"]["chosen"] == {"mean": None, "std": None}


def test_each_epoch_counts_its_own_ratio() -> None:
    rows = records([1, 1], [0, 0])
    rows[0] |= {"nx_0/sampled/r_each": 10 / 2, "nx_0/sampled/length": 2}
    rows[1] |= {"nx_0/sampled/r_each": 10 / 10, "nx_0/sampled/length": 10}
    assert summarise(rows)["nx_0"]["sampled"]["r_each"]["paper"]["mean"] == 3  # not 20 / 12


def test_the_last_fifth_of_a_whole_run() -> None:
    found = summarise(records([0.0] * 160 + [1.0] * 40, [0.0] * 200))["nx_0"]["sampled"]["r_tra"]
    assert found["last20"] == {"mean": 1.0, "std": 0.0}


def test_untimed_runs_have_no_speed() -> None:
    assert summarise([{"epoch": 1, "steps": 5}])["steps_per_second"] is None


def test_no_record_is_refused() -> None:
    with pytest.raises(InputError, match="no finished epoch"):
        summarise([])
