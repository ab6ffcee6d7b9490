"""Static policies over groups whose world models, and so lists, may differ."""

from pathlib import Path
from typing import Any

from darlr.report.analysis.opponents import opponents_of
from darlr.report.analysis.runs import collect
from darlr.report.rendering.table import Quantity
from tests.report.folders import write_run


def policies(world_model: float, popular: float = 71.0) -> dict[str, Any]:
    return {
        "popular": {"nx_0": {"r_tra": popular, "mcd": None}, "fb": {"r_tra": 1.0}},
        "greedy_world_model": {"nx_0": {"r_tra": world_model}},
    }


def found(out: Path) -> dict[str, dict[str, Quantity]]:
    return opponents_of(collect([out]).groups["coat"], "nx_0")


def test_groups_of_one_world_share_the_rows(tmp_path: Path) -> None:
    for method in ("dorl", "mbpo"):
        for seed, value in enumerate((78.0, 80.0)):
            write_run(tmp_path, method, seed, opponents=policies(value))
    rows = found(tmp_path)
    assert list(rows) == ["popular", "greedy world model"]
    assert rows["popular"] == {"r_tra": Quantity(71.0, 0.0)}
    assert rows["greedy world model"]["r_tra"].value == 79.0


def test_a_world_model_that_is_fitted_otherwise_has_a_row_of_its_own(tmp_path: Path) -> None:
    write_run(tmp_path, "dorl", opponents=policies(79.0))
    write_run(tmp_path, "ucb", opponents=policies(75.0), settings={"world_model": {"error": "squared"}})
    write_run(tmp_path, "ips", opponents=policies(79.0), settings={"world_model": {"weighting": "inverse_count"}})
    rows = found(tmp_path)
    assert {name: row["r_tra"].value for name, row in rows.items()} == {
        "popular": 71.0,
        "greedy world model of dorl, ips": 79.0,  # other settings, but worth the same
        "greedy world model of ucb": 75.0,
    }


def test_what_cannot_differ_is_not_told_apart_by_rounding(tmp_path: Path) -> None:
    write_run(tmp_path, "dorl", opponents=policies(79.0))
    write_run(tmp_path, "mbpo", opponents=policies(79.0001), settings={"a2c": {"discount": 0.5}})
    assert found(tmp_path)["greedy world model"] == {"r_tra": Quantity(79.0)}


def test_many_groups_are_counted(tmp_path: Path) -> None:
    for method in ("a", "b", "c", "d"):
        write_run(tmp_path, method, opponents=policies(79.0))
    write_run(tmp_path, "e", opponents=policies(75.0), settings={"world_model": {"members": 1}})
    assert list(found(tmp_path)) == ["popular", "greedy world model of a, b and 2 others", "greedy world model of e"]


def test_without_a_seed_in_common_nothing_is_taken_for_the_same(tmp_path: Path) -> None:
    write_run(tmp_path, "dorl", 0, opponents=policies(79.0))
    write_run(tmp_path, "dorl", 1, opponents=policies(79.0), settings={"leave": {"window": 7}})
    assert "popular of dorl leave.window=7" in found(tmp_path)
