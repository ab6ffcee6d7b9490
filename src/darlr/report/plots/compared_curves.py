"""Methods compared epoch by epoch (Figures 1 and 4): one row a data set, a curve a method, a band over its seeds.

Return and length say how the policies do, sampled; the errors how far the rewards that they learned from lie from the truth.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from darlr.evaluation.modes import NX_0
from darlr.evaluation.table import drawn
from darlr.report.analysis.by_epoch import Band, band, recorded
from darlr.report.analysis.comparison import mode_of
from darlr.report.analysis.criteria import CRITERIA
from darlr.report.analysis.runs import Collection, Group
from darlr.report.plots.curves import PIXELS_PER_INCH, over_epochs

# Okabe and Ito's colours stay apart for the colour-blind; past the seventh method the dashes change.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("solid", (0, (5, 2)), (0, (1.5, 1.5)))

ERRORS = {"error/sampled": "|reward - truth|, recommended", "error/table": "|reward - truth|, whole table"}


def compared_curves(collection: Collection) -> Figure:
    """Draw every group of `collection`; a panel is 456 x 420 pixels as PNG.

    A curve is the mean over the group's seeds, its band the 95% t interval; epochs that a seed lacks are left out. A band
    much wider than the curves' own range, as that of two seeds may be, leaves the picture at its edges.
    """
    rows = [(dataset, _panels(groups), groups) for dataset, groups in collection.groups.items()]
    columns = max(len(panels) for _, panels, _ in rows)
    figure = Figure(figsize=(3.8 * columns, 3.5 * len(rows) + 0.5), dpi=PIXELS_PER_INCH, layout="constrained")
    all_axes = figure.subplots(len(rows), columns, squeeze=False)
    for (dataset, panels, groups), row_axes in zip(rows, all_axes, strict=True):
        for axes in row_axes[len(panels) :]:
            axes.set_axis_off()
        for axes, (label, bands) in zip(row_axes, panels.items(), strict=False):
            for place, group in enumerate(groups):
                if group.label in bands:
                    _curve(axes, bands[group.label], group.label, place)
            _finish(axes, label)
        row_axes[0].set_title(dataset, loc="left", fontweight="bold")
        row_axes[0].legend(frameon=False, fontsize=8)
    return figure


def _panels(groups: Sequence[Group]) -> dict[str, dict[str, Band]]:
    """What a data set's panels show, by their label: the curve of every group that has one, by the group's label."""
    mode = mode_of(groups)
    names = {metric.recorded(mode, CRITERIA[mode].policy): metric.axis for metric in drawn(mode)}
    if mode == NX_0:
        names |= ERRORS
    figures = {group.label: recorded(group, names) for group in groups}
    panels = {
        label: {group: found for group, values in figures.items() if name in values and (found := band(values[name]))}
        for name, label in names.items()
    }
    return {label: bands for label, bands in panels.items() if bands}


def _curve(axes: Axes, curve: Band, label: str, place: int) -> None:
    mean, half = np.array(curve.means), np.array([half or 0.0 for half in curve.halves])
    colour, dashes = COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % len(DASHES)]
    marker = "o" if len(mean) == 1 else ""
    axes.plot(curve.epochs, mean, color=colour, linestyle=dashes, linewidth=1.6, marker=marker, label=label)
    axes.fill_between(curve.epochs, mean - half, mean + half, color=colour, alpha=0.15, linewidth=0)


def _finish(axes: Axes, label: str) -> None:
    heights = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axes.lines])
    low, high = float(heights.min()), float(heights.max())
    room = 0.5 * (high - low) or 0.05 * abs(high) or 1.0
    axes.set_ylim(low - room, high + room)
    axes.set_ylabel(label)
    axes.set_xlabel("epoch")
    over_epochs(axes)
