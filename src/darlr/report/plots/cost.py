"""Cost beside return: a panel for each world, with a point for each method.

Across is the recorded time of a run, upwards the return less that of the best list. A line joins the methods that no cheaper
one equals; where there are many methods, these alone have names.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from darlr.errors import InputError
from darlr.report.analysis.overview import TRUTH, WorldOutcome
from darlr.report.plots.curves import PIXELS_PER_INCH
from darlr.report.plots.labels import spread_apart
from darlr.report.plots.looks import LOOKS, Look

BEST, OTHERS = "#D55E00", "#0072B2"
MOST_NAMED = 12
"""The largest number of methods that all have names."""
LEADING = 1.25
"""Height of a line of text, in font sizes."""


@dataclass(frozen=True)
class Point:
    """A method in a world: the mean seconds of a run, and its return less that of the best list."""

    label: str
    seconds: float
    difference: float


def cost_figure(outcomes: Mapping[str, WorldOutcome], look: str = "screen") -> Figure:
    """Draw the methods of every world, without those that are told the truth.

    Args:
        outcomes: the outcome of every world, by its name.
        look: of `LOOKS`; figures for a paper are as wide as a column or a page of it.

    Raises:
        InputError: if no method has both a recorded time and a comparison with a list.
    """
    chosen = LOOKS[look]
    worlds = {world: found for world, outcome in outcomes.items() if (found := points_of(outcome))}
    if not worlds:
        raise InputError("no run has both recorded seconds and a test on every user beside a list; nothing to draw")
    columns = min(len(worlds), chosen.columns or 2)
    rows = math.ceil(len(worlds) / columns)
    width = chosen.width or 1.2 * chosen.panel[0] * columns
    figure = Figure(figsize=(width, 1.3 * chosen.panel[1] * rows), dpi=PIXELS_PER_INCH, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat[len(worlds) :]:
        axes.set_axis_off()
    for axes, (world, points) in zip(panels.flat, worlds.items(), strict=False):
        _panel(axes, world, points, chosen)
    return figure


def points_of(outcome: WorldOutcome) -> list[Point]:
    """Return the methods that have both numbers, the cheapest first."""
    found = [
        Point(label, standing.seconds, standing.against.over_seeds.mean)
        for label, standing in outcome.standings.items()
        if standing.is_method and standing.learns != TRUTH and standing.seconds and standing.against is not None
    ]
    return sorted(found, key=lambda point: (point.seconds, -point.difference))


def unequalled(points: Sequence[Point]) -> list[Point]:
    """Return those of `points`, cheapest first, that are better than all cheaper ones (the Pareto front)."""
    front: list[Point] = []
    for point in points:
        if not front or point.difference > front[-1].difference:
            front.append(point)
    return front


def _panel(axes: Axes, world: str, points: Sequence[Point], look: Look) -> None:
    front = unequalled(points)
    size = (4 * look.line) ** 2
    axes.scatter([p.seconds for p in points], [p.difference for p in points], s=size, color=OTHERS, alpha=0.6, linewidths=0)
    steps = [point.seconds for point in front], [point.difference for point in front]
    axes.plot(*steps, drawstyle="steps-post", color=BEST, linewidth=0.7 * look.line, zorder=3)
    axes.scatter(*steps, s=size, color=BEST, zorder=4)
    axes.axhline(0, color="#666666", linewidth=look.line / 2, linestyle=(0, (4, 3)), zorder=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g}"))  # figures read no mathematics
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_title(world, loc="left", fontweight="bold", fontsize=look.points + 1)
    axes.set_xlabel("training, seconds a run", fontsize=look.points)
    axes.set_ylabel("return less the best list's", fontsize=look.points)
    axes.tick_params(which="both", labelsize=look.points)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    _name(axes, points if len(points) <= MOST_NAMED else front, front, look)


def _name(axes: Axes, named: Sequence[Point], front: Sequence[Point], look: Look) -> None:
    """Write names at the right of the panel, each with a thin line to its point."""
    low, high = axes.get_ylim()
    gap = (high - low) * LEADING * look.points / 72 / look.panel[1]
    upwards = sorted(named, key=lambda point: point.difference)
    heights = spread_apart([point.difference for point in upwards], low, high, gap)
    for point, height in zip(upwards, heights, strict=True):
        colour = BEST if point in front else OTHERS
        axes.annotate(
            point.label,
            xy=(point.seconds, point.difference),
            xytext=(1.03, height),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=look.points,
            color=colour,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "relpos": (0, 0.5), "shrinkA": 0, "shrinkB": 0},
        )
