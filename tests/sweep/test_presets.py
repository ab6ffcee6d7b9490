"""The grids of the package can be read, and contain the runs that they describe."""

import os
from pathlib import Path

import pytest

from darlr.data.registry import SOURCES
from darlr.errors import InputError
from darlr.methods.registry import METHODS
from darlr.report.published.results import published
from darlr.sweep.grid import Grid, Point
from darlr.sweep.presets import grid_file, presets


def cells(preset: str) -> list[Point]:
    return Grid.read(grid_file(Path(preset))).points()


@pytest.mark.parametrize("preset", presets())
def test_every_preset_names_what_there_is_and_says_what_it_is(preset: str) -> None:
    for point in cells(preset):
        assert point.values["method"] in METHODS
        assert point.values["dataset"] in SOURCES
    assert grid_file(Path(preset)).read_text().startswith("# ")


@pytest.mark.parametrize(
    ("preset", "count"),
    [
        ("table2", 130),
        ("table3", 130),
        ("table4", 140),
        ("figure4", 30),
        ("figure5", 92),
        ("transformers", 72),
        ("table2-reduced", 39),
        ("table3-reduced", 39),
        ("smoke", 8),
    ],
)
def test_sizes(preset: str, count: int) -> None:
    assert len(cells(preset)) == count


@pytest.mark.parametrize(("table", "rows"), [("table2", 26), ("table3", 26), ("table4", 28)])
def test_tables_have_every_row_that_is_published(table: str, rows: int) -> None:
    pairs = {(point.values["dataset"], point.values["method"]) for point in cells(table)}
    assert len(pairs) == rows  # 13 methods or 7 variants, on two or four data sets
    assert all(published(dataset, method, "r_tra") for dataset, method in pairs)


@pytest.mark.parametrize("suffix", ["", "-reduced"])
def test_figures_are_cells_of_the_tables(suffix: str) -> None:
    tables = [point.values for table in ("table2", "table3") for point in cells(table + suffix)]
    for figure in ("figure3", "figure4"):
        assert all(point.values in tables for point in cells(figure + suffix))


def test_figure_5_has_each_data_sets_range() -> None:
    references = {
        dataset: [
            point.varied["selector.references"]
            for point in cells("figure5")
            if point.values["dataset"] == dataset and point.alone == "selector.references"
        ]
        for dataset in ("kuairec", "kuairand", "coat", "yahoo")
    }
    assert references == {
        "kuairec": [10, 20, 30, 40],
        "kuairand": [50, 100, 150, 200],
        "coat": [10, 20, 30, 40],
        "yahoo": [25, 50, 75, 100],
    }


def test_a_grid_may_come_through_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert grid_file(tmp_path / "pipe") == tmp_path / "pipe"


def test_a_file_goes_before_a_preset_and_what_is_neither_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("smoke").mkdir()
    assert grid_file(Path("smoke")).name == "smoke.yaml"  # a folder is no grid
    Path("smoke").rmdir()
    Path("smoke").write_text("datasets: coat\nmethods: dorl")
    assert grid_file(Path("smoke")) == Path("smoke")
    assert grid_file(Path("missing.yaml")) == Path("missing.yaml")
    with pytest.raises(InputError, match=r"^tabel2: no such file, and no preset of that name \(presets: figure1, "):
        grid_file(Path("tabel2"))
