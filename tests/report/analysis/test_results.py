"""The tables at the end of a run."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import rich.console

from darlr.evaluation.summary import summarise
from darlr.report.analysis.criteria import NOISY_NOTE
from darlr.report.analysis.results import end_of_run, opponents, results
from darlr.report.rendering.table import Cell, Quantity, Table, to_rich


def made_up(returns: Sequence[float], extra: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Make records of epochs with these returns, sampled, and one more greedy; `extra`: further entries."""
    return [
        {
            "epoch": epoch,
            "steps": epoch,
            "nx_0/sampled/r_tra": value,
            "nx_0/greedy/r_tra": value + 1,
            "simulator/sampled/r_tra": value,
        }
        | dict(extra or {})
        for epoch, value in enumerate(returns, start=1)
    ]


def summary(
    returns: list[float], opponents: dict[str, Any] | None = None, extra: dict[str, Any] | None = None
) -> dict[str, Any]:
    return summarise(made_up(returns, extra)) | ({} if opponents is None else {"opponents": opponents})


def row(table: Table, *labels: str) -> dict[str, Cell]:
    (found,) = [row for row in table.rows if row[: len(labels)] == labels]
    return dict(zip(table.header, found, strict=True))


def test_one_run_beside_the_published_value() -> None:
    table = results([summary([70.0, 74.0])], "coat", "dorl")
    sampled = row(table, "sampled", "R_tra")
    assert sampled["all epochs"] == Quantity(72.0, pytest.approx(8**0.5))  # type: ignore[arg-type]
    assert sampled["last 20%"] == Quantity(74.0)
    assert sampled["chosen epoch"] == Quantity(74.0)
    assert sampled["published"] == Quantity(71.3992, 2.0640)
    assert row(table, "greedy", "R_tra")["published"] is None  # the published policy sampled
    assert any("SIGIR 2025" in note for note in table.notes)


def test_methods_that_were_tested_greedily_are_compared_greedily() -> None:
    table = results([summary([70.0])], "coat", "cql")
    assert row(table, "sampled", "R_tra")["published"] is None
    assert row(table, "greedy", "R_tra")["published"] == Quantity(68.9835, 1.8659)


def test_unpublished_data_have_no_published_value_and_no_note_of_one() -> None:
    table = results([summary([70.0])], "synthetic", "dorl")
    assert "published" not in table.header
    assert not any("SIGIR" in note for note in table.notes)


def test_seeds_give_mean_and_interval() -> None:
    table = results([summary([0.0, value]) for value in (1.0, 2.0, 3.0)], "coat", "dorl")
    assert row(table, "sampled", "R_tra")["last 20%"] == Quantity(2.0, pytest.approx(2.484138, abs=1e-6))  # type: ignore[arg-type]
    assert row(table, "sampled", "R_tra")["all epochs"] == Quantity(1.0, pytest.approx(1.242069, abs=1e-6))  # type: ignore[arg-type]
    assert any("3 seeds" in note for note in table.notes)


def test_metrics_that_no_epoch_has_have_no_row() -> None:
    without = results([summary([70.0], extra={"nx_0/sampled/mcd": None})], "coat", "dorl")
    assert not [row for row in without.rows if row[1] == "MCD"]
    having = results([summary([70.0], extra={"nx_0/sampled/mcd": 0.25})], "coat", "dorl")
    assert row(having, "sampled", "MCD")["last 20%"] == Quantity(0.25)


def test_opponents_stand_below_the_method() -> None:
    rivals = {
        "item_mean": {"nx_0": {"r_tra": 75.5, "length": 30.0}},
        "popular": {"nx_0": {"r_tra": 71.0}, "fb": {"r_tra": 1.0}},
    }
    table = opponents([summary([70.0, 72.0], rivals)], "coat", "dorl")
    assert table.header == ("policy", "R_tra", "Length")  # nobody has the other metrics
    assert table.rows == (
        ("dorl, sampled", Quantity(72.0), None),
        ("dorl, greedy", Quantity(73.0), None),
        ("item mean", Quantity(75.5), Quantity(30.0)),
        ("popular", Quantity(71.0), None),
    )


def test_every_user_stands_between_the_drawn_ones_and_the_opponents_of() -> None:
    rivals = {"popular": {"nx_0": {"r_tra": 71.0}}}
    runs = [summary([70.0], rivals) | {"every_user": {"nx_0": {"r_tra": value}}} for value in (68.0, 70.0)]
    table = opponents(runs, "coat", "dorl")
    assert [row[0] for row in table.rows] == ["dorl, sampled", "dorl, greedy", "dorl, every user", "popular"]
    # deviation sqrt(2), t(0.975, 1) = 12.706205
    assert row(table, "dorl, every user")["R_tra"] == Quantity(69.0, pytest.approx(12.706205))  # type: ignore[arg-type]
    assert "one greedy episode for each user" in table.notes[1]


def test_opponents_over_seeds() -> None:
    table = opponents([summary([1.0], {"popular": {"nx_0": {"r_tra": value}}}) for value in (1.0, 2.0, 3.0)], "coat", "dorl")
    assert row(table, "popular")["R_tra"] == Quantity(2.0, pytest.approx(2.484138, abs=1e-6))  # type: ignore[arg-type]


def test_end_of_run_shows_opponents_only_if_there_are_any() -> None:
    assert len(end_of_run([summary([1.0])], "coat", "dorl")) == 1
    assert len(end_of_run([summary([1.0], {})], "coat", "dorl")) == 1
    assert len(end_of_run([summary([1.0], {"popular": {"nx_0": {"r_tra": 1.0}}})], "coat", "dorl")) == 2


def test_fits_a_terminal_of_eighty_columns() -> None:
    names = ("r_each", "length", "mcd", "cv")
    extra = {f"nx_0/{policy}/{metric}": 0.125 for policy in ("sampled", "greedy") for metric in names}
    rivals = {"greedy_skip": {"nx_0": dict.fromkeys(("r_tra", *names), 12.3)}}
    console = rich.console.Console(file=io.StringIO(), width=80)
    with console.capture() as capture:
        for table in end_of_run([summary([61.0, 77.0, 75.0] * 4, rivals, extra)], "coat", "dorl"):
            console.print(to_rich(table))
    lines = capture.get().splitlines()
    assert sum(line.count("0.125 ± 0.000") for line in lines) == 2 * 2 * len(names)  # none broken over two lines
    assert any("greedy skip" in line and line.count("12.30") == 5 for line in lines)


def test_noisy_users_have_rows_of_their_own_and_old_runs_none() -> None:
    opponents_of_it = {"popular": {"nx_0": {"r_tra": 71.0}}, "list_with_belief": {"nx_0": {"r_tra": 80.2}}}
    clear = {"every_user": {"nx_0": {"r_tra": 80.0}}}
    noisy = {"every_user_noisy": {"nx_0": {"r_tra": 79.5}}, "opponents_noisy": {"list_with_belief": {"nx_0": {"r_tra": 79.7}}}}
    old, new = (opponents([summary([70.0], opponents_of_it) | extra], "coat", "dorl") for extra in (clear, clear | noisy))
    added = [row[:2] for row in new.rows if row not in old.rows]
    assert added == [("dorl, every user, noisy", Quantity(79.5)), ("list with belief, noisy", Quantity(79.7))]
    assert [note for note in new.notes if note not in old.notes] == [NOISY_NOTE]


def test_on_held_out_rows_a_skipping_list_that_comes_out_the_same_has_no_row() -> None:
    values = {"popular": 0.2, "item_mean": 0.1, "popular_skipping": 0.2, "item_mean_skipping": 0.3}
    held_out = {name: {"held_out": {"ndcg_10": value}} for name, value in values.items()}
    found = {"held_out": {}, "opponents": held_out}
    table = opponents([found], "shop", "dorl")
    assert [row[0] for row in table.rows] == ["popular", "item mean", "item mean skipping"]
    assert "Skipping lists that come out the same as their lists have no rows of their own." in table.notes
