"""The picture that compares methods epoch by epoch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from darlr.report.analysis.runs import collect
from darlr.report.plots.compared_curves import compared_curves
from tests.report.folders import write_recorded


def run(
    out: Path, method: str, seed: int, returns: Sequence[float | None], dataset: str = "coat", error: float | None = None
) -> None:
    records = []
    for epoch, value in enumerate(returns, start=1):
        known = {} if error is None else {"error/table": error / epoch, "error/sampled": 2 * error / epoch}
        records.append({"nx_0/sampled/r_tra": value, "nx_0/sampled/length": 30.0, **known})
    write_recorded(out, method, seed, records, dataset=dataset)


def curve(figure: Figure, panel: int, label: str) -> list[list[float]]:
    line = next(line for line in figure.axes[panel].lines if line.get_label() == label)
    epochs, values = np.asarray(line.get_data())
    return [list(map(float, epochs)), list(map(float, values))]


def test_a_curve_is_the_mean_over_seeds_and_its_band_the_interval(tmp_path: Path) -> None:
    for seed in range(5):
        run(tmp_path, "dorl", seed, [70 + seed, 80 + seed])
    figure = compared_curves(collect([tmp_path]))
    assert curve(figure, 0, "dorl") == [[1, 2], [72, 82]]
    band = next(part for part in figure.axes[0].collections if isinstance(part, PolyCollection))
    heights = np.asarray(band.get_paths()[0].vertices)[:, 1]
    half = 2.7764 * 2.5**0.5 / 5**0.5  # t of 97.5% and four degrees of freedom, deviation over the root of the number of seeds
    assert (heights.min(), heights.max()) == pytest.approx((72 - half, 82 + half), abs=0.01)


def test_fewer_than_five_seeds_are_dots(tmp_path: Path) -> None:
    run(tmp_path, "dorl", 0, [70, 80])
    run(tmp_path, "dorl", 1, [72, 82])
    [dots] = compared_curves(collect([tmp_path])).axes[0].collections
    assert np.asarray(dots.get_offsets()).tolist() == [[1, 70], [1, 72], [2, 80], [2, 82]]


@pytest.mark.parametrize(("look", "inches"), [("column", 3.33), ("page", 7.0)])
def test_a_picture_for_a_paper_has_its_width_and_names_beside_the_curves(tmp_path: Path, look: str, inches: float) -> None:
    for method in ("dorl", "darlr"):
        run(tmp_path, method, 0, [70, 80], error=0.5)
    figure = compared_curves(collect([tmp_path]), look)
    assert figure.get_figwidth() == inches
    for axes in figure.axes[:3]:
        assert axes.get_legend() is None
        colours = {text.get_text(): text.get_color() for text in axes.texts}
        assert colours == {str(line.get_label()): line.get_color() for line in axes.lines}


def test_many_rows_have_a_legend(tmp_path: Path) -> None:
    for value in range(12):
        write_recorded(tmp_path, "dorl", 0, [{"nx_0/sampled/r_tra": value + e} for e in (1.0, 2.0)], settings={"a": value})
    [axes] = compared_curves(collect([tmp_path])).axes
    legend = axes.get_legend()
    assert legend is not None
    assert len(legend.get_texts()) == 12
    assert not axes.texts


def test_epochs_that_a_seed_lacks_are_left_out(tmp_path: Path) -> None:
    run(tmp_path, "dorl", 0, [70, 80, 90])
    run(tmp_path, "dorl", 1, [72, 82, None])
    assert curve(compared_curves(collect([tmp_path])), 0, "dorl") == [[1, 2], [71, 81]]


def test_methods_share_panels_and_data_sets_have_rows_of_their_own(tmp_path: Path) -> None:
    run(tmp_path, "dorl", 0, [70, 80], error=0.4)
    run(tmp_path, "darlr", 0, [75, 85], error=0.8)
    run(tmp_path, "dorl", 0, [10, 12], dataset="kuairec")
    figure = compared_curves(collect([tmp_path]))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["coat", "", "", "kuairec", "", ""]
    assert [axes.axison for axes in figure.axes] == [True] * 4 + [False] * 2  # KuaiRec's runs here have no errors
    assert curve(figure, 2, "darlr") == [[1, 2], [0.8, 0.4]]
    assert curve(figure, 1, "dorl") == [[1, 2], [0.8, 0.4]]
    assert "coat: length of an episode (steps) is 30.00 everywhere." in figure.get_supxlabel().replace("\n", " ")
    colours = {line.get_label(): line.get_color() for line in figure.axes[0].lines}
    assert len(set(colours.values())) == 2
