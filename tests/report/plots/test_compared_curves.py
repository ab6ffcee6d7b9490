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
    run(tmp_path, "dorl", 0, [70, 80])
    run(tmp_path, "dorl", 1, [72, 82])
    figure = compared_curves(collect([tmp_path]))
    assert curve(figure, 0, "dorl") == [[1, 2], [71, 81]]
    band = next(part for part in figure.axes[0].collections if isinstance(part, PolyCollection))
    heights = np.asarray(band.get_paths()[0].vertices)[:, 1]
    half = 12.706 * 2**0.5 / 2**0.5  # t of 97.5% and one degree of freedom, deviation over the root of the number of seeds
    assert (heights.min(), heights.max()) == pytest.approx((71 - half, 81 + half), abs=0.01)


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
    assert titles == ["coat", "", "", "", "kuairec", "", "", ""]
    assert [axes.axison for axes in figure.axes] == [True] * 6 + [False] * 2  # KuaiRec's runs here have no errors
    assert curve(figure, 3, "darlr") == [[1, 2], [0.8, 0.4]]
    assert curve(figure, 2, "dorl") == [[1, 2], [0.8, 0.4]]
    colours = {line.get_label(): line.get_color() for line in figure.axes[0].lines}
    assert len(set(colours.values())) == 2
