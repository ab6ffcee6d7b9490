"""The critical-difference diagram (Demsar, 2006): methods on an axis of mean ranks, and bars that join those that do not
differ.
"""

import math
import textwrap
from collections.abc import Mapping
from dataclasses import replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from darlr.evaluation.average_ranks import Ranked
from darlr.report.analysis.ranking import Ranking, lanes_of
from darlr.report.plots.curves import PIXELS_PER_INCH
from darlr.report.plots.looks import LOOKS, Look
from darlr.report.rendering.table import Quantity

INK, BAR = "#000000", "#D55E00"
TICK = 2.5
"""The least distance of ticks, in font sizes."""
SIDE = 0.35
"""The largest share of the width for the names on either side; longer names are set in smaller type."""
LEADING = 1.35
"""Height of a name, in font sizes."""
LANE = 0.7
"""Distance of bars, in font sizes."""
NAME = 0.55
"""Width of a character, in font sizes."""
TOP = 3.6
"""Room for the ticks above the axis, in font sizes."""
WIDE = 8.0
"""Width in inches of a diagram whose look names none."""


def critical_difference(ranking: Ranking, look: str = "screen") -> Figure:
    """Draw the diagram: the best methods are named at the left, the others at the right, each on a height of its own.

    Args:
        ranking: the ranks.
        look: of `LOOKS`; figures for a paper are as wide as a column or a page of it.
    """
    found, width = ranking.ranked, LOOKS[look].width or WIDE
    longest = 2 + NAME * max(map(len, _named(found)))
    chosen = replace(LOOKS[look], points=min(LOOKS[look].points, 72 * SIDE * width / longest))
    em = chosen.points / 72
    lanes = lanes_of(found)
    bars = (max(lanes.values()) + 1) * LANE + LANE if lanes else LANE
    rows = math.ceil(len(found.ranks) / 2)
    text = textwrap.wrap(" ".join(ranking.notes), round(width / (0.48 * em)))
    below = (len(text) + 1) * LEADING
    height = (TOP + bars + rows * LEADING + below) * em
    figure = Figure(figsize=(width, height), dpi=PIXELS_PER_INCH)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    scale = _Scale(found, longest * em, width - longest * em)
    _draw_axis(axes, scale, TOP * em, chosen)
    for (first, last), lane in lanes.items():
        order = list(found.ranks)
        level = TOP * em + (lane + 1) * LANE * em
        ends = [scale.place(found.ranks[order[first]]) - 0.3 * em, scale.place(found.ranks[order[last]]) + 0.3 * em]
        axes.plot(ends, [level, level], color=BAR, linewidth=2 * chosen.line, solid_capstyle="butt", zorder=4)
    _draw_names(axes, scale, (TOP + bars) * em, chosen)
    axes.text(em, height - below * em + em, "\n".join(text), fontsize=0.85 * chosen.points, va="top", linespacing=LEADING)
    return figure


class _Scale:
    """From mean ranks to inches."""

    def __init__(self, found: Ranked, left: float, right: float) -> None:
        self.found, self.left, self.right = found, left, right
        self.most = len(found.ranks)

    def place(self, rank: float) -> float:
        return self.left + (rank - 1) / (self.most - 1) * (self.right - self.left)


def _named(found: Ranked) -> Mapping[str, float]:
    """Return the text of each name, with its mean rank."""
    return {f"{method}  {Quantity(rank, digits=1)}": rank for method, rank in found.ranks.items()}


def _draw_axis(axes: Axes, scale: _Scale, level: float, look: Look) -> None:
    em = look.points / 72
    axes.plot([scale.left, scale.right], [level, level], color=INK, linewidth=look.line, zorder=3)
    step = math.ceil((scale.most - 1) * TICK * em / (scale.right - scale.left))
    for rank in range(1, scale.most + 1, step):
        place = scale.place(rank)
        axes.plot([place, place], [level, level - 0.4 * em], color=INK, linewidth=0.6 * look.line, zorder=3)
        axes.text(place, level - 0.6 * em, str(rank), ha="center", va="bottom", fontsize=look.points)
    axes.text(scale.left, level - 1.9 * em, "mean rank (1: best)", ha="left", va="bottom", fontsize=look.points)


def _draw_names(axes: Axes, scale: _Scale, top: float, look: Look) -> None:
    """Write the better half at the left and the rest at the right, with a line from each name to its rank."""
    em = look.points / 72
    names = list(_named(scale.found).items())
    half = math.ceil(len(names) / 2)
    for place, (name, rank) in enumerate(names):
        at_left = place < half
        level = top + LEADING * em * ((place if at_left else len(names) - 1 - place) + 0.5)
        edge = scale.left - 0.5 * em if at_left else scale.right + 0.5 * em
        across = scale.place(rank)
        axes.plot([across, across, edge], [TOP * em, level, level], color="#666666", linewidth=0.5 * look.line, zorder=2)
        axes.text(
            edge - 0.3 * em if at_left else edge + 0.3 * em,
            level,
            name,
            ha="right" if at_left else "left",
            va="center",
            fontsize=look.points,
        )
