"""The learning-curve picture of a run: return and length by epoch, with the opponents and the published value.

If there is a truth, a further panel shows the error of the rewards that the run learned from (Figure 4).
"""

import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from darlr.artifacts.files import write_bytes
from darlr.errors import InputError
from darlr.evaluation.modes import GREEDY, HELD_OUT, NX_0, SAMPLED
from darlr.evaluation.names import ORACLE, POPULAR, UNIFORM
from darlr.evaluation.table import LENGTH, Metric, Results, drawn
from darlr.report.analysis.criteria import CRITERIA
from darlr.report.plots.labels import spread_apart
from darlr.report.published.results import published
from darlr.text import visible

FORMATS = ("png", "svg", "pdf")
PIXELS_PER_INCH = 120

# Okabe and Ito's colours stay apart for the colour-blind; the line widths tell the two curves apart in grey.
SAMPLED_COLOUR, GREEDY_COLOUR, PUBLISHED, OPPONENT = "#0072B2", "#D55E00", "#000000", "#666666"
ERRORS = {"error/table": "whole table", "error/sampled": "recommended"}


def learning_curves(
    records: Sequence[Mapping[str, Any]],
    dataset: str,
    method: str,
    opponents: Results,
) -> Figure:
    """Draw NX_0 return and length by epoch, sampled and greedy, and the rewards' error; a panel is 600 x 560 pixels as PNG.

    Args:
        records: as in `darlr.evaluation.summary.summarise`.
        dataset, method: the names.
        opponents: the best list, the popular one, uniform choice and the truth's own list are drawn as dashed lines.
    """
    known_error = "error/table" in records[-1]
    mode = NX_0 if any(name.startswith(f"{NX_0}/") for name in records[-1]) else HELD_OUT
    where = f"test mode {CRITERIA[mode].title}" if mode == NX_0 else CRITERIA[mode].title
    recorded = [metric for metric in drawn(mode) if any(_names(metric, mode).keys() & record.keys() for record in records)]
    metrics, flat = _moving(records, recorded or drawn(mode), mode, opponents)
    panels = len(metrics) + known_error
    figure = Figure(figsize=(5 * panels, 14 / 3), dpi=PIXELS_PER_INCH, layout="constrained")
    figure.suptitle(f"{method} on {dataset}, {where}", fontsize=12, fontweight="bold")
    all_axes = figure.subplots(1, panels, squeeze=False)[0]
    for axes, metric in zip(all_axes, metrics, strict=False):
        _curves(axes, records, _names(metric, mode))
        _references(axes, dataset, method, mode, metric, opponents)
        axes.set_ylabel(metric.axis)
    if known_error:
        _curves(all_axes[-1], records, ERRORS)
        all_axes[-1].set_ylabel("mean |reward learned from - truth|")
    steps = f"{records[-1]['steps'] / records[-1]['epoch']:,.0f} steps of learning each"
    for axes in all_axes:
        axes.set_xlabel(f"epoch ({steps})")
    if flat:
        figure.supxlabel("; ".join(flat), fontsize=9)
    return figure


def _moving(
    records: Sequence[Mapping[str, Any]], metrics: Sequence[Metric], mode: str, opponents: Results
) -> tuple[list[Metric], list[str]]:
    """The metrics whose panels show something (or the first), and a line about each that is the same throughout."""
    heights = {
        metric.name: {record[name] for record in records for name in _names(metric, mode) if record.get(name) is not None}
        | {value for name in opponents if (value := opponents[name].get(mode, {}).get(metric.name)) is not None}
        for metric in metrics
    }
    moving = [metric for metric in metrics if len(heights[metric.name]) > 1] or [metrics[0]]
    flat = [metric for metric in metrics if metric not in moving and heights[metric.name]]
    return moving, [f"{metric.axis}: {heights[metric.name].pop():.4g} throughout" for metric in flat]


def save_figure(figure: Figure, path: Path) -> None:
    """Write the picture atomically in the format that the suffix names.

    Raises:
        InputError: for an unknown suffix.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise InputError(f"{path}: cannot draw '{path.suffix}' files; expected one of .{', .'.join(FORMATS)}")
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)  # a name with $ in it is not a formula
        text.set_text("\n".join(visible(line) for line in text.get_text().split("\n")))
    content = io.BytesIO()
    # Publishers take TrueType (Type 42) and no Type 3 fonts; text as paths looks alike where the font is not installed.
    with warnings.catch_warnings(), rc_context({"pdf.fonttype": 42, "svg.fonttype": "path"}):
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # a name in a script that the font lacks
        figure.savefig(content, format=kind)
    write_bytes(path, content.getvalue())


def over_epochs(axes: Axes) -> None:
    """Format a panel whose abscissa is the epoch: whole epochs, whole numbers, a faint grid."""
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.ticklabel_format(useOffset=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)


def _curves(axes: Axes, records: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> None:
    """Draw two curves: the records' `names` and their labels."""
    styles = ((GREEDY_COLOUR, 2.4), (SAMPLED_COLOUR, 1.2))  # the thin line over the thick one
    for (name, label), (colour, width) in zip(names.items(), styles, strict=True):
        known = [record for record in records if record.get(name) is not None]
        if not known:
            continue
        axes.plot(
            [record["epoch"] for record in known],
            [record[name] for record in known],
            color=colour,
            linewidth=width,
            marker="o" if len(known) == 1 else "",
            label=label,
            zorder=3,
            clip_on=False,
        )
    axes.set_xlim(0, records[-1]["epoch"])
    over_epochs(axes)
    if axes.lines:
        axes.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)


def _names(metric: Metric, mode: str) -> dict[str, str]:
    """The metric's curves: their names in the records, and what to call them."""
    return {metric.recorded(mode, policy): policy for policy in (GREEDY, SAMPLED)}


def _marks(mode: str, opponents: Results) -> dict[str, str]:
    """Return the opponents to draw, and their labels; only the best of the lists, because all would hide the curves."""
    main = CRITERIA[mode].metric.name
    values = {name: value for name, modes in opponents.items() if (value := modes.get(mode, {}).get(main)) is not None}
    lists = [name for name in values if name not in (UNIFORM, ORACLE)]
    always = [name for name in (UNIFORM, POPULAR, ORACLE) if name in values]
    marks = {name: name.replace("_", " ") for name in always}
    if lists:
        best = max(lists, key=values.__getitem__)
        marks[best] = f"best list ({best.replace('_', ' ')})"
    return marks


def _references(
    axes: Axes,
    dataset: str,
    method: str,
    mode: str,
    metric: Metric,
    opponents: Results,
) -> None:
    """Draw dashed lines, each with its name and value next to it; the curves must have been drawn."""
    marks = _marks(mode, opponents).items()
    lines = [
        (value, text, OPPONENT) for name, text in marks if (value := opponents[name].get(mode, {}).get(metric.name)) is not None
    ]
    found = published(dataset, method, metric.name)
    if found is not None:
        lines.append((found[0], f"{method}, published", PUBLISHED))
    lines.sort()
    for value, _, colour in lines:
        axes.axhline(value, color=colour, linewidth=1, linestyle=(0, (4, 3)), zorder=2)
    if metric == LENGTH:
        axes.set_ylim(bottom=0)  # only now, because it ends the automatic scaling
    low, high = axes.get_ylim()
    places = spread_apart([value for value, _, _ in lines], low, high, gap=(high - low) / 20)
    for (value, name, colour), place in zip(lines, places, strict=True):
        axes.annotate(
            f"{name} {value:.{1 if abs(value) >= 1 else 3}f}",
            xy=(1, value),
            xytext=(1.06, place),
            xycoords=axes.get_yaxis_transform(),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=9,
            color=colour,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "relpos": (0, 0.5), "shrinkA": 0, "shrinkB": 0},
        )
