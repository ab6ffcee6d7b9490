"""The records of runs by epoch, and their means over seeds."""

from pathlib import Path

import pytest

from darlr.report.analysis.by_epoch import band, recorded
from darlr.report.analysis.runs import collect
from tests.report.folders import write_recorded


def test_named_figures_are_read_and_what_nobody_has_is_left_out(tmp_path: Path) -> None:
    write_recorded(tmp_path, "dorl", 0, [{"nx_0/sampled/r_tra": 70.0, "nx_0/sampled/mcd": None}, {"nx_0/sampled/r_tra": 72.0}])
    write_recorded(tmp_path, "dorl", 1, [{"nx_0/sampled/r_tra": 71.0, "error/table": 0.5}, {"nx_0/sampled/r_tra": None}])
    [group] = collect([tmp_path]).groups["coat"]
    assert recorded(group, ["nx_0/sampled/r_tra", "nx_0/sampled/mcd", "error/table", "error/sampled"]) == {
        "nx_0/sampled/r_tra": [{1: 70.0, 2: 72.0}, {1: 71.0}],
        "error/table": [{}, {1: 0.5}],
    }


def test_a_band_has_the_epochs_that_all_runs_have() -> None:
    found = band([{1: 1.0, 2: 2.0, 3: 9.0}, *({1: float(value), 2: 2.0} for value in range(2, 6))])
    assert found is not None
    assert (found.epochs, found.means, found.dots) == ((1, 2), (3.0, 2.0), ())
    assert found.halves[0] == pytest.approx(1.9632, abs=1e-4)  # deviation root 2.5, over root 5, times t(0.975, 4)
    assert found.halves[1] == 0.0


def test_few_seeds_are_dots_and_no_interval() -> None:
    found = band([{1: 1.0, 2: 2.0}, {1: 3.0, 2: 2.5}])
    assert found is not None
    assert (found.means, found.halves) == ((2.0, 2.25), (None, None))
    assert found.dots == ((1, 1.0), (1, 3.0), (2, 2.0), (2, 2.5))
    long = band([dict.fromkeys(range(1, 201), 1.0), dict.fromkeys(range(1, 201), 2.0)])
    assert long is not None
    epochs = sorted({epoch for epoch, _ in long.dots})
    assert (len(epochs), epochs[0], epochs[-1]) == (12, 1, 200)


def test_one_run_has_no_interval() -> None:
    found = band([{4: 1.0}])
    assert found is not None
    assert (found.epochs, found.means, found.halves) == ((4,), (1.0,), (None,))


def test_runs_without_an_epoch_in_common_have_no_band() -> None:
    assert band([{1: 1.0}, {2: 1.0}]) is None
    assert band([{}, {1: 1.0}]) is None
