"""The picture of judges compared with the truth."""

import math
from dataclasses import replace

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from darlr.report.plots.validation import CHOICE, POLICY, validation_figure
from tests.report.judges import TRUTH, judges


def points(figure: Figure, panel: int) -> PathCollection:
    return next(part for part in figure.axes[panel].collections if isinstance(part, PathCollection))


def test_a_panel_a_judge_with_a_point_a_policy() -> None:
    figure = validation_figure(judges())
    assert [axes.get_title() for axes in figure.axes] == [
        "DR: tau -0.33",
        "referee: tau 1.00",
        "IPS, estimated propensities: no tau",
    ]
    assert np.asarray(points(figure, 1).get_offsets()).tolist() == [[8, 9], [6, 5], [2, 1]]
    assert np.asarray(points(figure, 2).get_offsets()).tolist() == [[0, 9], [0, 5]]  # one has no value
    assert [np.asarray(axes.lines[0].get_ydata())[0] for axes in figure.axes] == [9, 9, 9]


def test_the_choice_stands_out_and_doubted_policies_are_hollow() -> None:
    drawn = points(validation_figure(judges()), 0)
    assert [to_hex(colour).upper() for colour in np.asarray(drawn.get_edgecolor()).tolist()] == [POLICY, CHOICE, POLICY]
    assert [colour[3] for colour in np.asarray(drawn.get_facecolor()).tolist()] == [0, 1, 0]  # alpha


def test_rows_of_panels_are_filled_up_with_nothing() -> None:
    found = judges()
    five = {f"{name}/{number}": found.agreements["dr"] for number in range(5) for name in ["dr"]}
    values = dict.fromkeys(five, dict.fromkeys(TRUTH, math.nan))
    figure = validation_figure(replace(found, agreements=five, values=values))
    assert [axes.axison for axes in figure.axes] == [True] * 5 + [False] * 3
