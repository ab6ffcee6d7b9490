"""The tables that compare methods, by hand."""

import math
from pathlib import Path

import numpy as np
import pytest

from darlr.report.analysis.comparison import comparison_table, paper_table, rank_table
from darlr.report.analysis.runs import Group, collect
from darlr.report.rendering.table import Cell, Quantity, Table
from tests.report.folders import write_run, write_seeds

BASELINES = {"mbpo", "dorl", "sqn"}


def groups_of(out: Path, dataset: str = "coat") -> tuple[Group, ...]:
    return collect([out]).groups[dataset]


def compared(out: Path) -> Table:
    return comparison_table("coat", groups_of(out), BASELINES, np.random.default_rng(0))


def row(table: Table, label: str) -> dict[str, Cell]:
    [found] = [row for row in table.rows if row[0] == label]
    return dict(zip(table.header, found, strict=True))


class TestComparison:
    def test_by_hand(self, tmp_path: Path) -> None:
        write_seeds(tmp_path, "mbpo", [70.0, 71.0, 72.0])
        write_seeds(tmp_path, "dorl", [72.0, 73.0, 74.0], opponents={"item_mean": {"nx_0": {"r_tra": 78.5}}})
        write_seeds(tmp_path, "darlr", [73.0, 75.0, 77.0])
        table = compared(tmp_path)
        ours = row(table, "darlr")
        assert ours["seeds"] == "3"
        # seeds 73, 75, 77: deviation 2, t(0.975, 2) = 4.302653
        assert ours["R_tra, sampled"] == Quantity(75.0, pytest.approx(4.302653 * 2 / math.sqrt(3)))  # type: ignore[arg-type]
        # to DORL, the best baseline: 1, 2, 3, with p = 0.074180; to MBPO's -2, -2, -2 belongs p = 0
        assert ours["difference"] == Quantity(2.0, pytest.approx(2.484138, abs=1e-6))  # type: ignore[arg-type]
        assert ours["p"] == "0.074"
        # of 27 resamples one has the mean 1 and one the mean 3: 3.7% each, so no end lies further in
        assert ours["bootstrap"] == "1 to 3"
        assert row(table, "dorl")["difference"] == "best baseline"
        assert row(table, "mbpo")["difference"] == Quantity(-2.0, 0.0)
        assert row(table, "mbpo")["p"] == "< 0.001"
        assert row(table, "item mean")["R_tra, every user"] == Quantity(78.5, 0.0)
        assert row(table, "item mean")["R_tra, sampled"] is None
        assert any("less that of dorl" in note for note in table.notes)

    def test_on_every_user(self, tmp_path: Path) -> None:
        for seed, value in enumerate((72.0, 73.0, 74.0)):
            write_run(tmp_path, "dorl", seed, [70.0], extra={"every_user": {"nx_0": {"r_tra": value, "mcd": None}}})
        write_run(tmp_path, "mbpo", 0, [71.0])
        table = compared(tmp_path)
        # deviation 1, t(0.975, 2) = 4.302653
        assert row(table, "dorl")["R_tra, every user"] == Quantity(73.0, pytest.approx(4.302653 / math.sqrt(3)))  # type: ignore[arg-type]
        assert row(table, "mbpo")["R_tra, every user"] is None

    def test_noisy_users_have_a_column_if_any_run_met_them(self, tmp_path: Path) -> None:
        lists = {"popular": {"nx_0": {"r_tra": 71.0}}, "list_with_belief": {"nx_0": {"r_tra": 80.2}}}
        write_run(tmp_path, "mbpo", 0, [71.0], opponents=lists)
        assert "R_tra, noisy users" not in compared(tmp_path).header
        noisy = {
            "every_user_noisy": {"nx_0": {"r_tra": 69.5}},
            "opponents_noisy": {"list_with_belief": {"nx_0": {"r_tra": 79.7}}},
        }
        write_run(tmp_path, "dorl", 0, [70.0], opponents=lists, extra=noisy)
        table = compared(tmp_path)
        column = {str(label): row(table, str(label))["R_tra, noisy users"] for label, *_ in table.rows}
        values = {name: cell.value if isinstance(cell, Quantity) else None for name, cell in column.items()}
        assert values == {"mbpo": None, "dorl": 69.5, "popular": None, "list with belief": 79.7}

    def test_only_common_seeds_are_paired(self, tmp_path: Path) -> None:
        write_seeds(tmp_path, "dorl", [72.0, 73.0])
        for seed, value in ((1, 74.0), (7, 99.0)):
            write_run(tmp_path, "darlr", seed, [value])
        write_run(tmp_path, "mbpo", 9, [1.0])
        table = compared(tmp_path)
        assert row(table, "darlr")["difference"] == Quantity(1.0, None)
        assert row(table, "mbpo")["difference"] is None
        assert "No seed in common with dorl: mbpo." in table.notes

    def test_without_a_baseline_nothing_is_tested(self, tmp_path: Path) -> None:
        write_seeds(tmp_path, "darlr", [73.0, 75.0])
        table = compared(tmp_path)
        assert "difference" not in table.header
        assert not any("baseline" in note or "paired" in note for note in table.notes)

    def test_p_values_are_corrected_for_their_number(self, tmp_path: Path) -> None:
        write_seeds(tmp_path, "dorl", [72.0, 73.0, 74.0])
        for settings in ({"a": 1}, {"a": 2}):
            write_seeds(tmp_path, "darlr", [73.0, 75.0, 77.0], settings=settings)
        table = compared(tmp_path)
        assert row(table, "darlr a=1")["p"] == row(table, "darlr a=2")["p"] == "0.148"

    def test_unequal_schedules_are_told(self, tmp_path: Path) -> None:
        note = "Not all rows have learned for the same number of epochs and steps."
        write_run(tmp_path, "dorl")
        write_run(tmp_path, "mbpo")
        assert note not in compared(tmp_path).notes
        write_run(tmp_path, "darlr", returns=[70.0, 72.0, 74.0])
        assert note in compared(tmp_path).notes


class TestPaperTable:
    def test_averages_both_over_seeds_beside_the_published_values(self, tmp_path: Path) -> None:
        write_run(tmp_path, "dorl", 0, [70.0, 74.0])
        write_run(tmp_path, "dorl", 1, [72.0, 72.0])
        ours = row(paper_table("coat", groups_of(tmp_path)), "dorl")
        assert ours["R_tra"] == Quantity(72.0, pytest.approx(math.sqrt(8) / 2))  # type: ignore[arg-type]
        assert ours["published R_tra"] == Quantity(71.3992, 2.0640)

    def test_published_values_under_another_leave_rule_are_marked(self, tmp_path: Path) -> None:
        leave = {"leave": {"by": "category", "window": 4, "tolerance": 0.0, "max_steps": 30}}
        for method in ("dorl", "roler", "darlr"):
            write_run(tmp_path, method, dataset="kuairec", settings=leave)
        notes = paper_table("kuairec", groups_of(tmp_path, "kuairec")).notes
        assert notes[-1] == "Published with users who leave otherwise than here: roler (N = 1)."

    def test_who_was_tested_greedily_is_compared_greedily(self, tmp_path: Path) -> None:
        write_run(tmp_path, "sqn", 0, [70.0])
        table = paper_table("coat", groups_of(tmp_path))
        assert row(table, "sqn")["R_tra"] == Quantity(71.0, None)
        assert any("Tested greedily, as published: sqn" in note for note in table.notes)

    def test_without_published_values_there_is_no_column(self, tmp_path: Path) -> None:
        write_run(tmp_path, "dorl", dataset="shop")
        table = paper_table("shop", groups_of(tmp_path, "shop"))
        assert table.header == ("method", "seeds", "R_tra")
        assert not any("published" in note for note in table.notes)


class TestRanks:
    def test_by_hand(self, tmp_path: Path) -> None:
        for dataset, values in {"coat": (70.0, 72.0, 71.0), "yahoo": (60.0, 64.0, 64.0)}.items():
            for method, value in zip(("mbpo", "dorl", "darlr"), values, strict=True):
                write_run(tmp_path, method, 0, [value], dataset=dataset)
        write_run(tmp_path, "gt", 0, [80.0])
        table = rank_table(collect([tmp_path]).groups)
        assert table is not None
        assert table.header == ("method", "mean rank", "coat", "yahoo")
        assert [(line[0], line[1]) for line in table.rows] == [
            ("dorl", Quantity(1.25)),
            ("darlr", Quantity(1.75)),
            ("mbpo", Quantity(3.0)),
        ]

    def test_one_data_set_has_no_ranks(self, tmp_path: Path) -> None:
        write_run(tmp_path, "dorl")
        write_run(tmp_path, "mbpo")
        assert rank_table(collect([tmp_path]).groups) is None
