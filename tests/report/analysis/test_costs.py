"""The costs of runs, by hand."""

from pathlib import Path
from typing import Any

from darlr.report.analysis.costs import cost_table
from darlr.report.analysis.runs import collect
from darlr.report.rendering.table import Quantity
from tests.report.folders import write_recorded, write_run

RECORDS = [{"nx_0/sampled/r_tra": value} for value in (70.0, 71.0)]


def times(sampling: float, learning: float, testing: float, speed: float | None, memory: float) -> dict[str, Any]:
    seconds = {"sampling": sampling, "learning": learning, "testing": testing}
    return {"seconds": seconds, "steps_per_second": speed, "peak_memory_mib": memory}


def rows(out: Path) -> dict[str, dict[str, Any]]:
    table = cost_table("coat", collect([out]).groups["coat"])
    assert table is not None
    assert table.title == "coat, time and memory"
    return {str(row[0]): dict(zip(table.header, row, strict=True)) for row in table.rows}


def test_one_run(tmp_path: Path) -> None:
    write_recorded(tmp_path, "dorl", 0, RECORDS, extra=times(4.0, 2.0, 1.0, 2000.0, 450.0))
    assert rows(tmp_path)["dorl"] == {
        "method": "dorl",
        "seeds": "1",
        "epochs": "2",
        "1000 steps": Quantity(0.02),
        "sampling, s": Quantity(2.0),
        "learning, s": Quantity(1.0),
        "testing, s": Quantity(0.5),
        "run, minutes": Quantity(7 / 60),
        "1000 steps/s": Quantity(2.0),
        "memory, MiB": Quantity(450.0),
    }


def test_seeds_give_means_and_intervals(tmp_path: Path) -> None:
    write_recorded(tmp_path, "dorl", 0, RECORDS, extra=times(4.0, 2.0, 1.0, 2000.0, 450.0))
    write_recorded(tmp_path, "dorl", 1, RECORDS, extra=times(8.0, 2.0, 1.0, 1000.0, 550.0))
    found = rows(tmp_path)["dorl"]
    # two values that differ by d: half-width 12.7062 d / 2
    assert (found["sampling, s"].value, round(found["sampling, s"].spread, 3)) == (3.0, 12.706)
    assert (found["memory, MiB"].value, round(found["memory, MiB"].spread, 1)) == (500.0, 635.3)
    assert found["learning, s"] == Quantity(1.0, 0.0)


def test_a_policy_that_learns_nothing_has_no_speed(tmp_path: Path) -> None:
    write_recorded(tmp_path, "ucb", 0, RECORDS, extra={"seconds": {"testing": 1.0}, "steps": 0, "steps_per_second": None})
    found = rows(tmp_path)["ucb"]
    assert found["sampling, s"] == Quantity(0.0)
    assert found["1000 steps/s"] is None
    assert found["memory, MiB"] is None


def test_runs_that_recorded_no_seconds_are_left_out(tmp_path: Path) -> None:
    write_run(tmp_path, "mbpo")
    assert cost_table("coat", collect([tmp_path]).groups["coat"]) is None
    write_recorded(tmp_path, "dorl", 0, RECORDS, extra=times(4.0, 2.0, 1.0, 2000.0, 450.0))
    assert list(rows(tmp_path)) == ["dorl"]
