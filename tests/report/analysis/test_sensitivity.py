"""The search for rows that differ in one setting alone."""

from pathlib import Path
from typing import Any

from darlr.report.analysis.runs import collect
from darlr.report.analysis.sensitivity import Sweep, sweeps
from tests.report.folders import write_run


def found(out: Path) -> list[Sweep]:
    return sweeps(collect([out]).groups["coat"])


def write(out: Path, *settings: dict[str, Any], method: str = "darlr") -> None:
    for values in settings:
        for seed in (0, 1):
            write_run(out, method, seed, settings=values)


def lines(sweep: Sweep) -> dict[str, list[Any]]:
    return {name: [group.runs[0].settings[sweep.key] for group in line] for name, line in sweep.lines.items()}


def test_one_setting_in_ascending_order(tmp_path: Path) -> None:
    write(tmp_path, {"k": 20}, {"k": 5}, {"k": 10})
    write(tmp_path, {"k": 5}, method="dorl")
    [sweep] = found(tmp_path)
    assert (sweep.method, sweep.key, sweep.values) == ("darlr", "k", (5, 10, 20))
    assert lines(sweep) == {"darlr": [5, 10, 20]}


def test_settings_varied_one_at_a_time_share_what_both_have(tmp_path: Path) -> None:
    write(tmp_path, {"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 0.5}, {"a": 1, "b": 3})
    first, second = found(tmp_path)
    assert (first.key, lines(first)) == ("a", {"darlr": [1, 2]})
    assert (second.key, lines(second)) == ("b", {"darlr": [0.5, 1, 3]})


def test_a_grid_has_a_line_for_every_way_of_setting_the_others(tmp_path: Path) -> None:
    write(tmp_path, *({"a": a, "b": b} for a in (1, 2) for b in ("x", "y")))
    first, second = found(tmp_path)
    assert lines(first) == {"b=x": [1, 2], "b=y": [1, 2]}
    assert lines(second) == {"a=1": ["x", "y"], "a=2": ["x", "y"]}


def test_values_that_not_every_line_has(tmp_path: Path) -> None:
    write(tmp_path, {"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 2, "b": 2}, {"a": 3, "b": 2}, {"a": 9, "b": 3})
    first, _ = found(tmp_path)
    assert first.values == (1, 2, 3)
    assert lines(first) == {"b=1": [1, 2], "b=2": [2, 3]}


def test_seeds_and_settings_that_change_together_are_no_sweep(tmp_path: Path) -> None:
    write(tmp_path, {"a": 1, "b": 1}, {"a": 2, "b": 2})
    assert found(tmp_path) == []


def test_a_setting_that_older_runs_lack_is_none_of_its_values(tmp_path: Path) -> None:
    write(tmp_path, {"a": 1}, {"a": 1, "b": 5}, {"a": 2, "b": 5})
    [sweep] = found(tmp_path)
    assert (sweep.key, lines(sweep)) == ("a", {"darlr": [1, 2]})


def test_lists_and_nothing_are_values_too(tmp_path: Path) -> None:
    write(tmp_path, {"sizes": [64, 64]}, {"sizes": [8]}, {"sizes": None})
    [sweep] = found(tmp_path)
    assert lines(sweep) == {"darlr": [None, [64, 64], [8]]}  # what is no number, by its text
