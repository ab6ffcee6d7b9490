"""Judges of policies compared with the truth: a panel for each, in which every point is a policy."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from darlr.evaluation.agreement import Validation
from darlr.report.analysis.validation import judge_label
from darlr.report.plots.curves import PIXELS_PER_INCH

COLUMNS = 4
POLICY, CHOICE = "#0072B2", "#D55E00"  # the palette of Okabe and Ito, which colour-blind readers can distinguish


def validation_figure(found: Validation) -> Figure:
    """Draw the true return against each judge's value; the judge's choice is marked, hollow points are policies that it doubts.

    A dashed line marks the best true return. A panel is 360 x 348 pixels as PNG.
    """
    columns = min(COLUMNS, len(found.agreements))
    rows = math.ceil(len(found.agreements) / columns)
    figure = Figure(figsize=(3 * columns, 2.9 * rows), dpi=PIXELS_PER_INCH, layout="constrained")
    figure.suptitle(f"judges of policies on {found.dataset}", fontsize=12, fontweight="bold")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in panels.flat[len(found.agreements) :]:
        axes.set_axis_off()
    for axes, judge in zip(panels.flat, found.agreements, strict=False):
        _panel(axes, judge, found)
    for axes in panels[:, 0]:
        axes.set_ylabel("true return")
    return figure


def _panel(axes: Axes, judge: str, found: Validation) -> None:
    values, each = found.values[judge], found.agreements[judge]
    doubted = found.doubted.get(judge, ())
    known = [policy for policy in found.truth if not math.isnan(values[policy])]
    colours = [CHOICE if policy in each.chosen else POLICY for policy in known]
    faces = ["none" if policy in doubted else colour for policy, colour in zip(known, colours, strict=True)]
    points = [values[policy] for policy in known], [found.truth[policy] for policy in known]
    axes.scatter(*points, s=28, facecolors=faces, edgecolors=colours, zorder=3)
    axes.axhline(max(found.truth.values()), color="#666666", linewidth=1, linestyle=(0, (4, 3)), zorder=2)
    tau = "no tau" if math.isnan(each.tau) else f"tau {each.tau:.2f}"
    axes.set_title(f"{judge_label(judge)}: {tau}", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e6e6", linewidth=0.8)
