"""The picture of learning curves: its contents and its file."""

import itertools
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from darlr.errors import InputError
from darlr.report.plots.curves import learning_curves, save_figure
from darlr.report.plots.labels import spread_apart

OPPONENTS = {
    "item_mean": {"nx_0": {"r_tra": 75.5, "length": 30.0}, "fb": {"r_tra": 1.0}},
    "popular": {"nx_0": {"r_tra": 71.2, "length": 30.0}},
}


def records(epochs: int) -> list[dict[str, Any]]:
    return [
        {
            "epoch": epoch,
            "steps": 102_000 * epoch,
            "nx_0/sampled/r_tra": 60.0 + epoch,
            "nx_0/greedy/r_tra": 61.0 + epoch,
            "nx_0/sampled/length": 20.0 + epoch,
        }
        for epoch in range(1, epochs + 1)
    ]


def curves(figure: Figure, panel: int = 0) -> dict[str, list[list[float]]]:
    """Epochs and values of a panel's labelled curves."""
    return {
        str(line.get_label()): np.asarray(line.get_data()).tolist()
        for line in figure.axes[panel].lines
        if not str(line.get_label()).startswith("_")
    }


def texts(figure: Figure, panel: int) -> list[str]:
    return [text.get_text() for text in figure.axes[panel].texts]


def test_shows_the_recorded_values_with_units() -> None:
    figure = learning_curves(records(3), "coat", "dorl", {})
    assert curves(figure) == {"sampled": [[1, 2, 3], [61, 62, 63]], "greedy": [[1, 2, 3], [62, 63, 64]]}
    assert figure.axes[0].get_xlabel() == "epoch (102,000 steps of learning each)"
    assert "steps" in figure.axes[1].get_ylabel()


def with_errors(epochs: int) -> list[dict[str, Any]]:
    return [{**record, "error/table": 0.5, "error/sampled": 1 / record["epoch"]} for record in records(epochs)]


def test_shows_the_rewards_errors_where_they_are_known(tmp_path: Path) -> None:
    assert len(learning_curves(records(3), "coat", "darlr", {}).axes) == 2
    figure = learning_curves(with_errors(2), "coat", "darlr", OPPONENTS)
    assert len(figure.axes) == 3
    assert curves(figure, 2) == {"whole table": [[1, 2], [0.5, 0.5]], "recommended": [[1, 2], [1, 0.5]]}
    assert "truth" in figure.axes[2].get_ylabel()
    save_figure(figure, tmp_path / "curves.png")
    assert struct.unpack(">II", (tmp_path / "curves.png").read_bytes()[16:24]) == (1800, 560)


def test_labels_opponents_and_the_published_value() -> None:
    figure = learning_curves(records(3), "coat", "dorl", OPPONENTS)
    assert texts(figure, 0) == ["popular 71.2", "dorl, published 71.4", "best list (item mean) 75.5"]
    heights = [line.get_ydata()[0] for line in figure.axes[0].lines if line.get_linestyle() == "--"]  # type: ignore[index]
    assert heights == [71.2, 71.3992, 75.5]
    assert texts(learning_curves(records(3), "synthetic", "dorl", {}), 0) == []


def test_opponents_far_from_the_curves_are_in_the_picture() -> None:
    figure = learning_curves(records(3), "coat", "dorl", {"popular": {"nx_0": {"r_tra": 0.25, "length": 300.0}}})
    assert texts(figure, 0)[0] == "best list (popular) 0.250"
    assert figure.axes[0].get_ylim()[0] < 0.25
    assert figure.axes[1].get_ylim()[0] == 0
    assert figure.axes[1].get_ylim()[1] > 300


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")])
def test_saves_by_suffix(tmp_path: Path, suffix: str, start: bytes) -> None:
    path = tmp_path / f"curves{suffix}"
    save_figure(learning_curves(records(2), "coat", "dorl", OPPONENTS), path)
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]


def test_a_panel_is_600_pixels_wide(tmp_path: Path) -> None:
    save_figure(learning_curves(records(2), "coat", "dorl", OPPONENTS), tmp_path / "curves.png")
    width, height = struct.unpack(">II", (tmp_path / "curves.png").read_bytes()[16:24])
    assert (width, height) == (1200, 560)


def test_what_never_changes_has_no_panel_and_is_told() -> None:
    flat = [{**record, "nx_0/sampled/length": 30.0} for record in records(3)]
    figure = learning_curves(flat, "coat", "dorl", {"popular": {"nx_0": {"r_tra": 71.2, "length": 30.0}}})
    assert [axes.get_ylabel() for axes in figure.axes] == ["return of an episode"]
    assert figure.get_supxlabel() == "length of an episode (steps): 30 throughout"
    shorter = learning_curves(flat, "coat", "dorl", {"popular": {"nx_0": {"r_tra": 71.2, "length": 12.0}}})
    assert len(shorter.axes) == 2


@pytest.mark.parametrize("name", ["curves.bmp", "curves"])
def test_refuses_other_formats(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"expected one of \.png, \.svg, \.pdf"):
        save_figure(learning_curves(records(1), "coat", "dorl", {}), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_runs_without_truth_or_with_gaps_can_be_drawn(tmp_path: Path) -> None:
    rows = records(3)
    rows[1]["nx_0/sampled/r_tra"] = None
    assert curves(learning_curves(rows, "coat", "dorl", {}))["sampled"] == [[1, 3], [61, 63]]
    save_figure(learning_curves([{"epoch": 1, "steps": 10}], "own", "dorl", {}), tmp_path / "empty.svg")


def test_labels_by_hand() -> None:
    # 5 and 5.5 must be 1 apart: they move by a quarter each way; 8 stays.
    assert spread_apart([5.0, 5.5, 8.0], 0, 10, gap=1) == pytest.approx([4.75, 5.75, 8.0])
    assert spread_apart([10.0, 10.0], 0, 10, gap=1) == pytest.approx([9.0, 10.0])
    assert spread_apart([0.0, 0.0], 0, 10, gap=1) == pytest.approx([0.0, 1.0])
    assert spread_apart([], 0, 10, gap=1) == []


@given(st.lists(st.floats(0, 10), max_size=10))
def test_labels_stay_apart_and_inside(values: list[float]) -> None:
    places = spread_apart(sorted(values), 0, 10, gap=1)
    assert all(upper - lower >= 1 - 1e-9 for lower, upper in itertools.pairwise(places))
    assert all(-1e-9 <= place <= 10 + 1e-9 for place in places)
