"""The critical-difference diagram: bars, and names that do not overlap."""

import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from darlr.evaluation.average_ranks import Ranked, ranked
from darlr.report.analysis.ranking import Ranking
from darlr.report.plots.critical_difference import BAR, critical_difference
from darlr.report.plots.looks import LOOKS

NOTE = "Mean ranks over 20 blocks, with a note that is long enough to take more than one line below the names of the diagram."


def ranking(methods: int, blocks: int = 20) -> Ranking:
    """Methods in groups of three that are the same in every block but one."""
    names = [f"method-with-a-name-{number}" for number in range(methods)]
    values = {
        block: {name: float(-(number // 3)) + (0.1 * number if block == number else 0.0) for number, name in enumerate(names)}
        for block in range(blocks)
    }
    return Ranking(ranked(values), (NOTE,))


def bars(figure: Figure) -> list[tuple[float, float]]:
    """The ends of the bars, in inches."""
    lines = [line for line in figure.axes[0].lines if line.get_color() == BAR]
    return [ends(line) for line in lines]


def ends(line: Line2D) -> tuple[float, float]:
    first, last = np.asarray(line.get_xdata(), float)
    return float(first), float(last)


def texts(figure: Figure) -> list[Text]:
    return [text for text in figure.axes[0].texts if text.get_text()]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("methods", [2, 5, 40])
def test_no_two_texts_overlap_and_all_lie_inside(methods: int, look: str) -> None:
    figure = critical_difference(ranking(methods), look)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    boxes = [text.get_window_extent() for text in texts(figure)]
    assert len(boxes) >= methods + 3
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    width, height = figure.get_size_inches() * figure.dpi
    for box in boxes:
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height


@pytest.mark.parametrize(("look", "inches"), [("column", 3.33), ("page", 7.0)])
def test_a_picture_for_a_paper_has_its_width(look: str, inches: float) -> None:
    assert critical_difference(ranking(5), look).get_figwidth() == inches


def test_bars_reach_from_the_first_to_the_last_method_that_do_not_differ() -> None:
    pairs = {("a", "b"): 0.9, ("a", "c"): 0.01, ("b", "c"): 0.01}
    figure = critical_difference(Ranking(Ranked({"a": 1.0, "b": 2.0, "c": 3.0}, 20, 0.001, pairs), (NOTE,)))
    [(left, right)] = bars(figure)
    first, last = ends(figure.axes[0].lines[0])
    room = 0.1  # a bar begins a little before the first rank, and ends a little behind the last
    assert left == pytest.approx(first, abs=room)
    assert right == pytest.approx((first + last) / 2, abs=room)
    assert {text.get_text() for text in texts(figure)} >= {"a  1.0", "b  2.0", "c  3.0", "1", "2", "3"}


def test_methods_that_all_differ_have_no_bar() -> None:
    pairs = dict.fromkeys(itertools.combinations("abc", 2), 0.001)
    assert bars(critical_difference(Ranking(Ranked({"a": 1.0, "b": 2.0, "c": 3.0}, 20, 0.001, pairs), (NOTE,)))) == []
