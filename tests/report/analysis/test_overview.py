"""All worlds at a glance, with hand-worked differences."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from darlr.evaluation.user_returns import USER_RETURNS, write_user_returns
from darlr.report.analysis.overview import WorldOutcome, outcomes_of, overview_table
from darlr.report.analysis.runs import collect
from darlr.report.rendering.table import Cell, Difference, Table, to_csv, to_latex, to_markdown
from tests.report.folders import write_run

Values = Mapping[str, float | Sequence[float]]


def write(
    out: Path,
    dataset: str,
    method: str,
    own: Sequence[float],
    seconds: float | None = None,
    users: bool = False,
    **lists: float,
) -> None:
    """Write a run for each seed, with its return on every user; `lists`: the values of lists, which all seeds share."""
    for seed, value in enumerate(own):
        opponents = {name: {"nx_0": {"r_tra": told}} for name, told in lists.items()}
        extra = {"every_user": {"nx_0": {"r_tra": value}}}
        timed = {} if seconds is None else {"seconds": {"learning": seconds * (seed + 1)}}
        path = write_run(out, method, seed, [1.0], dataset=dataset, opponents=opponents, extra=extra | timed)
        if users:
            shifts = np.array([-1.0, 0.0, 1.0])
            by_user = {"policy": value + 2 * shifts, **{name: told + shifts for name, told in lists.items()}}
            write_user_returns(path / USER_RETURNS, ["7", "8", "9"], by_user)


def outcomes(out: Path) -> dict[str, WorldOutcome]:
    return outcomes_of(collect([out]).groups)


def overview(out: Path, tuning: Mapping[str, float] | None = None) -> Table:
    found = overview_table(outcomes(out), tuning)
    assert found is not None
    return found


def cells(table: Table, heading: str) -> dict[str, Cell]:
    column = table.header.index(heading)
    return {str(row[0]): row[column] for row in table.rows}


@pytest.fixture
def two_worlds(tmp_path: Path) -> Path:
    for dataset, best in (("coat", 10.0), ("yahoo", 20.0)):
        lists = {"popular": best - 5, "item_mean": best, "uniform_random": 1.0, "truth_oracle": 50.0}
        write(tmp_path, dataset, "dorl", [best + 3, best + 3.1, best + 2.9], 10.0, True, **lists)
        write(tmp_path, dataset, "bcq", [best - 6, best - 5.9, best - 6.1], 4.0, True, **lists)
        write(tmp_path, dataset, "gt", [best + 9, best + 9.1, best + 8.9], None, True, **lists)
    return tmp_path


def test_rows_are_ordered_by_mean_rank_and_references_come_last(two_worlds: Path) -> None:
    found = overview(two_worlds)
    ranks = {label: None if cell is None else str(cell) for label, cell in cells(found, "mean rank").items()}
    assert ranks == {
        "dorl": "1.0",
        "item mean": "2.0",
        "popular": "3.0",
        "bcq": "4.0",
        "gt": None,
        "truth oracle": None,
        "uniform random": None,
    }
    assert list(ranks) == ["dorl", "item mean", "popular", "bcq", "gt", "truth oracle", "uniform random"]
    assert cells(found, "learns from") == {
        "dorl": "simulator",
        "item mean": "nothing",
        "popular": "nothing",
        "bcq": "log",
        "gt": "truth",
        "truth oracle": "truth",
        "uniform random": "nothing",
    }


def test_a_cell_is_the_difference_over_seeds_and_over_users_with_a_mark_for_each(two_worlds: Path) -> None:
    coat = cells(overview(two_worlds), "coat")
    assert coat["item mean"] == "best"
    dorl, bcq, popular = coat["dorl"], coat["bcq"], coat["popular"]
    assert isinstance(dorl, Difference)
    assert isinstance(bcq, Difference)
    # Seeds: 3, 3.1, 2.9, deviation 0.1, quantile 4.303: 0.248. Users: 2, 3, 4, deviation 1: 2.484.
    assert dorl.value == pytest.approx(3.0)
    assert dorl.spread == pytest.approx(0.2484, abs=1e-3)
    assert dorl.over_users == pytest.approx(2.484, abs=1e-3)
    # p over seeds is below 0.001 three times. Over users -6 has 0.0092 and 9 has 0.0041, so Holm gives them 0.018 and 0.012;
    # 3 has 0.035, the largest, and keeps it.
    assert str(dorl) == "+3.00 ± 0.25, 2.48 ↑↑"
    assert str(bcq) == "-6.00 ± 0.25, 2.48 ↓↓"
    # A list is the same for all seeds and its users all lose 5, so nothing varies.
    assert str(popular) == "-5.00 ± 0.00, 0.00 ↓↓"


def test_costs_stand_beside_returns(two_worlds: Path) -> None:
    found = overview(two_worlds, {"dorl": 250.0})
    seconds = cells(found, "training, s")
    assert str(seconds["dorl"]) == "20"  # 10, 20 and 30 in either world
    assert str(seconds["bcq"]) == "8"
    assert seconds["item mean"] is None
    tuning = cells(found, "tuning, s")
    assert str(tuning["dorl"]) == "250"
    assert tuning["bcq"] is None
    assert "tuning, s" not in overview(two_worlds).header


def test_the_better_form_of_a_list_counts(tmp_path: Path) -> None:
    for dataset, plain, skipping in (("coat", 4.0, 6.0), ("yahoo", 8.0, 7.0)):
        write(tmp_path, dataset, "dorl", [5.0, 5.5], popular=9.0, ease=plain, ease_skipping=skipping)
    found = overview(tmp_path)
    assert str(cells(found, "coat")["ease"]) == "-3.00 ± 0.00, – ↓–"
    assert str(cells(found, "yahoo")["ease"]) == "-1.00 ± 0.00, – ↓–"
    assert [label for label in cells(found, "coat") if "skipping" in label] == []


def test_a_method_that_a_world_lacks_has_no_rank_and_an_empty_cell(two_worlds: Path) -> None:
    write(two_worlds, "coat", "mbpo", [1.0, 2.0, 3.0], item_mean=10.0)
    found = overview(two_worlds)
    assert cells(found, "mean rank")["mbpo"] is None
    assert cells(found, "yahoo")["mbpo"] is None
    assert list(cells(found, "coat")).index("mbpo") == 4  # after the ranked rows, before the references
    assert str(cells(found, "mean rank")["bcq"]) == "4.0"


def test_a_single_seed_is_not_tested_over_seeds(tmp_path: Path) -> None:
    for dataset in ("coat", "yahoo"):
        write(tmp_path, dataset, "dorl", [5.0], users=True, popular=2.0)
    cell = cells(overview(tmp_path), "coat")["dorl"]
    assert str(cell) == "+3.00 ± –, 2.48 –↑"  # over users: 2, 3, 4


def test_rows_with_fewer_seeds_are_named(two_worlds: Path) -> None:
    write(two_worlds, "yahoo", "mbpo", [1.0], item_mean=20.0)
    assert "Fewer seeds than others of their world: mbpo on yahoo (1 of 3)." in overview(two_worlds).notes


def test_equal_returns_share_a_rank_in_spite_of_the_last_digits(tmp_path: Path) -> None:
    for dataset in ("coat", "yahoo"):
        write(tmp_path, dataset, "dorl", [14.4200001, 14.42], popular=14.42)
    assert {str(cell) for cell in cells(overview(tmp_path), "mean rank").values()} == {"1.5"}


def test_one_world_or_none_has_no_overview(tmp_path: Path) -> None:
    write(tmp_path / "one", "coat", "dorl", [5.0], popular=2.0)
    assert overview_table(outcomes(tmp_path / "one")) is None
    write_run(tmp_path / "untested", "dorl")
    assert outcomes(tmp_path / "untested") == {}
    assert overview_table({}) is None


def test_every_form_of_the_table_shows_the_marks(two_worlds: Path) -> None:
    found = overview(two_worlds)
    assert "| +3.00 ± 0.25, 2.48 ↑↑ |" in to_markdown(found)
    assert r"+3.00 $\pm$ 0.25, 2.48 $\uparrow$$\uparrow$" in to_latex(found)
    header, first, *_ = to_csv(found).splitlines()
    assert header.split(",")[4:6] == ["coat", "coat ±"]
    assert float(first.split(",")[4]) == pytest.approx(3.0)
