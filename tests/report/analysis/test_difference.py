"""Two runs or groups side by side: their settings and environments, and results worked out by hand."""

from pathlib import Path
from typing import Any

import pytest

from darlr.artifacts import RunFolder
from darlr.errors import InputError
from darlr.report.analysis.difference import compare
from darlr.report.rendering.table import Quantity, Table
from tests.report.folders import write_run, write_seeds


def row(table: Table, name: str) -> tuple[Any, ...]:
    [found] = [row for row in table.rows if row[0] == name]
    return found[1:]


def near(value: float, spread: float | None) -> Quantity:
    return Quantity(pytest.approx(value), None if spread is None else pytest.approx(spread, abs=5e-4))  # type: ignore[arg-type]


def test_what_differs_between_two_runs(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", "dorl", data={"log.csv": "0123456789abcdef", "items.csv": "ff"})
    b = write_run(tmp_path / "b", "mopo", settings={"x": {"y": 2}}, version="0.2.0", data={"log.csv": "1123456789abcdef"})
    differing, results = compare(a, b)
    assert differing.rows == (
        ("settings", "method", "dorl", "mopo"),
        ("settings", "x.y", "-", "2"),
        ("data", "log.csv", "0123456789ab", "1123456789ab"),
        ("data", "items.csv", "ff", "-"),
        ("environment", "darlr", "0.1.0", "0.2.0"),
    )
    notes = " ".join(differing.notes)
    assert f"A: dorl on coat, seed 0, {a}." in notes
    assert "The runs have seen different data" in notes
    assert "made by different versions of darlr" in notes
    assert row(results, "R_tra, sampled") == (near(74, None), near(74, None), near(0, None))
    assert "No interval of the difference" in " ".join(results.notes)


def test_nothing_differs(tmp_path: Path) -> None:
    a, b = (write_run(tmp_path / name, "dorl") for name in "ab")
    differing, _ = compare(a, b)
    assert differing.rows == ()
    assert differing.notes[-1] == "Settings, data and environment are the same."


def test_common_seeds_are_paired_and_the_others_left_out(tmp_path: Path) -> None:
    write_seeds(tmp_path / "a", "dorl", [1.0, 2.0, 3.0, 90.0])
    write_seeds(tmp_path / "b", "darlr", [2.0, 5.0, 5.0])
    write_run(tmp_path / "b", "darlr", 7, returns=None)
    differing, results = compare(tmp_path / "a", tmp_path / "b")
    # Differences 1, 3, 2: deviation 1; t(2) = 4.3027.
    assert row(results, "R_tra, sampled") == (near(2, 4.3027 / 3**0.5), near(4, 4.3027), near(2, 4.3027 / 3**0.5))
    assert row(results, "R_tra, greedy")[2] == near(2, 4.3027 / 3**0.5)
    notes = " ".join(results.notes)
    assert "Paired over seeds 0, 1, 2." in notes
    assert "Left out, since one side alone has them: seed 3 of A." in notes
    assert "(1 run is not finished and left out)" in " ".join(differing.notes)


def without(run: Path, name: str) -> None:
    """Remove `name` from the run's summary."""
    with RunFolder.open(run) as folder:
        folder.write_summary({key: value for key, value in folder.read_summary().items() if key != name})


def test_seeds_without_a_quantity_are_left_out_of_its_pairs(tmp_path: Path) -> None:
    runs = {}
    for side, method, memory in (("a", "dorl", (100.0, 200.0, 300.0, 400.0)), ("b", "darlr", (110.0, 230.0, 320.0, 440.0))):
        for seed, value in enumerate(memory):
            runs[side, seed] = write_run(tmp_path / side, method, seed, extra={"peak_memory_mib": value})
    without(runs["b", 3], "peak_memory_mib")
    without(runs["a", 2], "peak_memory_mib")
    _, results = compare(tmp_path / "a", tmp_path / "b")
    # Seeds 0 and 1: differences 10 and 30, deviation 200 ** 0.5; t(1) = 12.7062.
    assert row(results, "peak memory (MiB)")[2] == near(20, 12.7062 * 10)
    assert row(results, "peak memory (MiB)")[0].value == 150
    assert "Paired over seeds 0, 1, 2, 3." in results.notes
    assert "peak memory (MiB): paired over seeds 0, 1 alone, for want of values of the others." in results.notes
    for place in [("a", 0), ("a", 1)]:
        without(runs[place], "peak_memory_mib")
    _, results = compare(tmp_path / "a", tmp_path / "b")  # now seed 3 of A alone and seeds 0 to 2 of B
    assert "peak memory (MiB)" not in [found[0] for found in results.rows]


def test_other_seeds_are_compared_unpaired(tmp_path: Path) -> None:
    for seed, (one, other) in enumerate([(1.0, 4.0), (2.0, 6.0), (3.0, 8.0)]):
        write_run(tmp_path / "a", "dorl", seed, [one])
        write_run(tmp_path / "b", "darlr", seed + 10, [other])
    _, results = compare(tmp_path / "a", tmp_path / "b")
    # Variances 1 and 4: a standard error of sqrt(5/3), 50/17 = 2.9 degrees of freedom, taken as 2.
    assert row(results, "R_tra, sampled")[2] == near(4, 4.3027 * (5 / 3) ** 0.5)
    assert "No seed in common (0, 1, 2 and 10, 11, 12): compared unpaired" in " ".join(results.notes)


def test_a_name_without_its_seed_stands_for_all_seeds(tmp_path: Path) -> None:
    runs = [write_run(tmp_path, "dorl", seed, [float(seed)], settings={"z": 1}) for seed in (0, 1)]
    write_run(tmp_path, "dorl", 0, settings={"z": 2})
    other = write_run(tmp_path, "mopo", 1, [5.0])
    group = runs[0].with_name(runs[0].name.removesuffix("-s0"))
    differing, results = compare(group, other)
    assert f"A: dorl on coat, seeds 0, 1, {group}." in differing.notes
    assert row(results, "R_tra, sampled")[2] == near(4, None)


class TestRefused:
    def refused(self, a: Path, b: Path, message: str) -> None:
        with pytest.raises(InputError) as refusal:
            compare(a, b)
        assert message in str(refusal.value)
        assert "\n" not in str(refusal.value)

    def test_places_without_runs(self, tmp_path: Path) -> None:
        run = write_run(tmp_path / "a", "dorl")
        (tmp_path / "empty").mkdir()
        (tmp_path / "file").write_text("")
        self.refused(run, tmp_path / "empty", f"{tmp_path / 'empty'}: no finished run in it")
        self.refused(tmp_path / "file", run, f"{tmp_path / 'file'}: is no folder; expected a run or a folder with runs")
        self.refused(run, tmp_path / "none", f"{tmp_path / 'none'}: no such folder")
        begun = write_run(tmp_path / "b", "dorl", returns=None)
        self.refused(run, begun, "no finished run in it (1 begun)")
        (tmp_path / "c").mkdir()
        (tmp_path / "c" / "config.yaml").write_text("{}")
        self.refused(run, tmp_path / "c", "not a darlr run (environment.json missing)")

    def test_several_settings_on_one_side(self, tmp_path: Path) -> None:
        run = write_run(tmp_path / "a", "dorl")
        for method in ("dorl", "mopo", "mbpo", "ips"):
            write_run(tmp_path / "b", method)
        self.refused(run, tmp_path / "b", "has runs of 4 settings (coat dorl, coat ips, coat mbpo, ...); expected runs that")

    def test_the_same_run_twice(self, tmp_path: Path) -> None:
        run = write_run(tmp_path / "a", "dorl")
        self.refused(run, tmp_path / "a", "is on both sides; expected different runs")

    def test_other_data_sets(self, tmp_path: Path) -> None:
        a, b = write_run(tmp_path, "dorl"), write_run(tmp_path, "dorl", dataset="yahoo")
        self.refused(a, b, "is on coat and")
