"""Methods compared epoch by epoch (Figures 1 and 4): a curve for each method, with a band or dots over its seeds and its
name beside it.

Return and length show the sampled policies' results. The errors show the distance of the learned rewards from the truth.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from darlr.evaluation.modes import NX_0
from darlr.evaluation.table import drawn
from darlr.report.analysis.by_epoch import Band, band, recorded
from darlr.report.analysis.comparison import mode_of
from darlr.report.analysis.criteria import CRITERIA
from darlr.report.analysis.runs import Collection, Group
from darlr.report.plots.curves import PIXELS_PER_INCH, over_epochs
from darlr.report.plots.labels import spread_apart
from darlr.report.plots.looks import LOOKS, Look
from darlr.report.rendering.table import Quantity

# Okabe and Ito's colours stay apart for the colour-blind; past the seventh method the dashes change.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("solid", (0, (5, 2)), (0, (1.5, 1.5)))

ERRORS = {"error/sampled": "|reward - truth|, recommended", "error/table": "|reward - truth|, whole table"}
BESIDE = 10
"""Largest number of curves with names beside their ends; more curves have a legend below."""
NAME = 18
"""Largest number of characters in a line of a name beside a curve."""
LEADING = 1.25
"""Height of a line of text, in font sizes."""

Panels = Mapping[str, Mapping[str, Band]]
"""Label of a panel > label of a group > its curve."""


def compared_curves(collection: Collection, look: str = "screen") -> Figure:
    """Draw every group of `collection`.

    A curve is the mean over the group's seeds; epochs that a seed lacks are left out. From five seeds on a band shows the
    95% t interval; fewer seeds are dots. A band much wider than the curves' own range is cut off at the edges. A metric
    that is equal for all rows at all epochs has no panel, and a line below the figure reports it.

    Args:
        collection: the runs.
        look: of `LOOKS`; figures for a paper are as wide as a column or a page of it.
    """
    chosen = LOOKS[look]
    found = {dataset: _panels(groups) for dataset, groups in collection.groups.items()}
    most = max(len(panels) for panels, _ in found.values())
    columns = min(most, chosen.columns or most)
    heights = {dataset: math.ceil(len(panels) / columns) for dataset, (panels, _) in found.items()}
    rows, width = sum(heights.values()), chosen.width or chosen.panel[0] * columns
    figure = Figure(figsize=(width, chosen.panel[1] * rows + 0.25 * len(found)), dpi=PIXELS_PER_INCH, layout="constrained")
    grid, first = figure.subplots(rows, columns, squeeze=False), 0
    for dataset, (panels, _) in found.items():
        places = grid[first : first + heights[dataset]].flatten().tolist()
        first += heights[dataset]
        for axes in places[len(panels) :]:
            axes.set_axis_off()
        _draw(places[: len(panels)], panels, collection.groups[dataset], chosen)
        places[0].set_title(dataset, loc="left", fontweight="bold", fontsize=chosen.points + 1)
    if told := [f"{dataset}: {line}" for dataset, (_, lines) in found.items() for line in lines]:
        text = "\n".join(textwrap.wrap(" ".join(told), round(110 * width / chosen.points)))
        figure.supxlabel(text, fontsize=chosen.points, ha="left", x=0.01)
    return figure


def _panels(groups: Sequence[Group]) -> tuple[Panels, list[str]]:
    """Return the panels of a data set, and a line about each metric that would have the same height everywhere."""
    mode = mode_of(groups)
    names = {metric.recorded(mode, CRITERIA[mode].policy): metric.axis for metric in drawn(mode)}
    if mode == NX_0:
        names |= ERRORS
    figures = {group.label: recorded(group, names) for group in groups}
    panels = {
        label: {group: found for group, values in figures.items() if name in values and (found := band(values[name]))}
        for name, label in names.items()
    }
    panels = {label: bands for label, bands in panels.items() if bands}
    heights = {label: {mean for found in bands.values() for mean in found.means} for label, bands in panels.items()}
    moving = {label: bands for label, bands in panels.items() if len(heights[label]) > 1}
    if not moving:  # at least one panel is needed
        return dict(list(panels.items())[:1]), []
    return moving, [f"{label} is {Quantity(heights[label].pop())} everywhere." for label in panels if label not in moving]


def _draw(places: Sequence[Axes], panels: Panels, groups: Sequence[Group], look: Look) -> None:
    """The panels, with the names of their curves beside these, or of too many in a legend below the last panel."""
    order = {group.label: place for place, group in enumerate(groups)}
    named: dict[str, Line2D] = {}
    for axes, (label, bands) in zip(places, panels.items(), strict=True):
        lines = {name: _curve(axes, bands[name], name, place, look) for name, place in order.items() if name in bands}
        _finish(axes, label, look)
        named |= lines
        if len(order) <= BESIDE:
            _name(axes, list(lines.values()), look)
    if len(order) > BESIDE:
        lines_of_all = [named[name] for name in order if name in named]
        columns = 1 if look.columns == 1 else 2
        style: dict[str, Any] = {"frameon": False, "fontsize": look.points, "ncols": columns, "bbox_to_anchor": (0, -0.35)}
        places[-1].legend(handles=lines_of_all, loc="upper left", **style)


def _curve(axes: Axes, curve: Band, label: str, place: int, look: Look) -> Line2D:
    mean, half = np.array(curve.means), np.array([half or 0.0 for half in curve.halves])
    colour, dashes = COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % len(DASHES)]
    marker = "o" if len(mean) == 1 else ""
    style: dict[str, Any] = {
        "color": colour,
        "linestyle": dashes,
        "linewidth": look.line,
        "marker": marker,
        "label": label,
        "zorder": 3,
    }
    [line] = axes.plot(curve.epochs, mean, **style)
    if any(half):
        axes.fill_between(curve.epochs, mean - half, mean + half, color=colour, alpha=0.15, linewidth=0)
    if curve.dots:
        epochs, values = zip(*curve.dots, strict=True)
        axes.scatter(epochs, values, s=(2.5 * look.line) ** 2, color=colour, alpha=0.45, linewidths=0, zorder=2)
    return line


def _finish(axes: Axes, label: str, look: Look) -> None:
    heights = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axes.lines])
    low, high = float(heights.min()), float(heights.max())
    room = 0.5 * (high - low) or 0.05 * abs(high) or 1.0
    axes.set_ylim(low - room, high + room)
    axes.set_ylabel(label, fontsize=look.points)
    axes.set_xlabel("epoch", fontsize=look.points)
    axes.tick_params(labelsize=look.points)
    over_epochs(axes)


def _name(axes: Axes, lines: Sequence[Line2D], look: Look) -> None:
    """Write each curve's name beside its end, in its colour, and a thin line to it where it had to move."""
    ends = sorted(((float(np.asarray(line.get_ydata())[-1]), line) for line in lines), key=lambda end: end[0])
    names = [textwrap.wrap(str(line.get_label()), NAME, break_on_hyphens=False) for _, line in ends]
    low, high = axes.get_ylim()
    row = (high - low) * LEADING * look.points / 72 / (0.75 * look.panel[1])
    heights = spread_apart([end for end, _ in ends], low, high, row * max(map(len, names)))
    axes.set_xlim(right=max(float(np.asarray(line.get_xdata())[-1]) for line in lines))
    for (end, line), name, height in zip(ends, names, heights, strict=True):
        colour = line.get_color()
        axes.annotate(
            "\n".join(name),
            xy=(1, end),
            xytext=(1.05, height),
            xycoords=axes.get_yaxis_transform(),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=look.points,
            color=colour,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "relpos": (0, 0.5), "shrinkA": 0, "shrinkB": 0},
        )
