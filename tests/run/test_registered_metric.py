"""A third party's metric, from its registration to all output of metrics, without a second mention of its name."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from darlr.artifacts import RunFolder
from darlr.evaluation.table import METRICS, Metric, register_metric
from darlr.report.analysis.difference import compare
from darlr.report.analysis.results import end_of_run
from darlr.report.analysis.runs import collect, to_long_csv
from darlr.report.page.page import page
from darlr.report.plots.compared_curves import compared_curves
from darlr.report.plots.curves import learning_curves
from darlr.report.rendering.table import Table
from darlr.report.rendering.tables import tables_of
from darlr.run.evaluating import evaluate_run, results_table
from darlr.run.training import Finished
from tests.report.page.reading import read, tables
from tests.runs import train_small
from tests.worlds import CPU

NAME, LABEL = "longest", "Longest"
BASELINES = {"dorl"}


@pytest.fixture(scope="module")
def metric() -> Iterator[Metric]:
    yield register_metric(
        Metric(
            name=NAME,
            label=LABEL,
            description="the steps of the longest episode",
            unit="steps",
            better="higher",
            compute=lambda episodes: float(episodes.lengths.max()),
        )
    )
    METRICS.unregister(NAME)


@pytest.fixture(scope="module")
def run(metric: Metric, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return train_small(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def other(run: Finished) -> Finished:
    return train_small(run.path.parents[2], {"seed": 1})


def column(table: Table) -> list[float]:
    """The metric's values in a table that has a column for it."""
    cells = [row[table.header.index(LABEL)] for row in table.rows]
    return [cell.value for cell in cells if cell is not None and not isinstance(cell, str)]


def test_every_epoch_records_it_in_every_mode_of_a_test(run: Finished) -> None:
    for record in RunFolder.open(run.path).metrics():
        names = {name for name in record if name.endswith(f"/{NAME}")}
        assert names == {f"{mode}/{policy}/{NAME}" for mode in ("nx_0", "fb", "nx_10") for policy in ("sampled", "greedy")}
        assert record[f"nx_10/sampled/{NAME}"] == 10
        assert record["nx_0/sampled/length"] <= record[f"nx_0/sampled/{NAME}"] == round(record[f"nx_0/sampled/{NAME}"])


def test_the_summary_has_it_of_the_policy_and_of_the_opponents(run: Finished) -> None:
    assert run.summary["nx_10"]["greedy"][NAME]["paper"] == {"mean": 10, "std": 0}
    assert run.summary["every_user"]["nx_10"][NAME] == 10
    assert {modes["nx_10"][NAME] for modes in run.summary["opponents"].values()} == {10}


def test_the_tables_at_the_end_of_a_run_show_it(run: Finished) -> None:
    results, opponents = end_of_run([run.summary], run.dataset, run.config.method)
    assert [row[0] for row in results.rows if row[1] == LABEL] == ["sampled", "greedy"]
    assert len(column(opponents)) == len(opponents.rows)


def test_reports_show_it(run: Finished, other: Finished) -> None:
    collection = collect([run.path, other.path])
    comparison = tables_of(collection, BASELINES)[0]
    assert column(comparison)
    [whole] = [cells for title, cells in tables(read(page(collection, BASELINES))).items() if title == comparison.title]
    assert LABEL in whole[0]
    rows = list(csv.DictReader(io.StringIO(to_long_csv(collection))))
    assert {row["mode"] for row in rows if row["metric"] == NAME} == {"nx_0", "fb", "nx_10"}
    _, results = compare(run.path, other.path)
    assert {f"{LABEL}, sampled", f"{LABEL}, greedy"} <= {row[0] for row in results.rows}


def test_pictures_show_it(run: Finished, other: Finished) -> None:
    text = page(collect([run.path, other.path]), BASELINES)
    assert f"{LABEL}, higher is better" in text
    records = RunFolder.open(run.path).metrics()
    figures = (learning_curves(records, run.dataset, "dorl", run.summary["opponents"]), compared_curves(collect([run.path])))
    for figure in figures:
        assert f"{LABEL} (steps)" in [axes.get_ylabel() for axes in figure.axes]


def test_evaluating_a_run_again_shows_it(run: Finished) -> None:
    results = evaluate_run(run.path, "nx_10", "greedy", None, None, 0, None, CPU)
    assert results["nx_10"]["greedy"][NAME] == 10
    assert column(results_table(run.path, results)) == [10]


def test_runs_from_before_it_was_registered_are_shown_without_it(metric: Metric, tmp_path: Path) -> None:
    METRICS.unregister(NAME)
    try:
        earlier = train_small(tmp_path)
    finally:
        register_metric(metric)
    assert not any(NAME in name for name in RunFolder.open(earlier.path).metrics()[0])
    collection = collect([earlier.path])
    assert LABEL not in tables_of(collection, BASELINES)[0].header
    assert LABEL not in page(collection, BASELINES)
