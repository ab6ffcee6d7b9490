"""Cost beside return: which methods are drawn, joined and named."""

from pathlib import Path

import numpy as np
import pytest

from darlr.errors import InputError
from darlr.report.analysis.overview import WorldOutcome, outcomes_of
from darlr.report.analysis.runs import collect
from darlr.report.plots.cost import BEST, Point, cost_figure, points_of, unequalled
from tests.report.analysis.test_overview import write


def outcomes(out: Path) -> dict[str, WorldOutcome]:
    return outcomes_of(collect([out]).groups)


def test_a_point_has_the_mean_time_of_a_run_and_its_return_less_the_best_lists(tmp_path: Path) -> None:
    write(tmp_path, "coat", "dorl", [5.0, 6.0], seconds=10.0, popular=4.0)
    write(tmp_path, "coat", "bcq", [3.0, 3.0], seconds=2.0, popular=4.0)
    write(tmp_path, "coat", "gt", [9.0, 9.0], seconds=1.0, popular=4.0)
    write(tmp_path, "coat", "mbpo", [9.0, 9.0], popular=4.0)  # did not record its time
    assert points_of(outcomes(tmp_path)["coat"]) == [Point("bcq", 3.0, -1.0), Point("dorl", 15.0, 1.5)]


def test_the_line_joins_methods_that_no_cheaper_one_equals() -> None:
    points = [Point("a", 1.0, -3.0), Point("b", 2.0, -3.0), Point("c", 3.0, 1.0), Point("d", 4.0, 0.0), Point("e", 5.0, 2.0)]
    assert [point.label for point in unequalled(points)] == ["a", "c", "e"]
    assert unequalled([]) == []


def test_every_world_has_a_panel_with_names(tmp_path: Path) -> None:
    for dataset in ("coat", "yahoo"):
        write(tmp_path, dataset, "dorl", [5.0, 6.0], seconds=10.0, popular=4.0)
        write(tmp_path, dataset, "bcq", [3.0, 3.0], seconds=20.0, popular=4.0)
    figure = cost_figure(outcomes(tmp_path))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["coat", "yahoo"]
    for axes in figure.axes:
        assert {text.get_text(): text.get_color() == BEST for text in axes.texts} == {"dorl": True, "bcq": False}
        assert np.asarray(axes.lines[0].get_data()).tolist() == [[15.0], [1.5]]


def test_of_many_methods_the_line_alone_has_names(tmp_path: Path) -> None:
    names = ["dorl", "bcq", "mbpo", "mopo", "roler", "darlr", "crr", "cql", "sqn", "ips", "iql", "bc", "ppo"]
    for place, method in enumerate(names):
        write(tmp_path, "coat", method, [5.0 - place, 5.0 - place], seconds=1.0 + place, popular=4.0)
    [axes] = cost_figure(outcomes(tmp_path)).axes
    assert [text.get_text() for text in axes.texts] == ["dorl"]


def test_nothing_to_draw_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "coat", "dorl", [5.0, 6.0], popular=4.0)
    with pytest.raises(InputError, match="no run has both recorded seconds and a test on every user"):
        cost_figure(outcomes(tmp_path))
