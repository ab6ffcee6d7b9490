"""A panel of points in a plane: one result against another."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from darlr.report.page.axes import Axis, limits, numbers
from darlr.report.page.marks import Style, marker, whisker
from darlr.report.page.panel import Plot, panel
from darlr.report.rendering.table import Quantity


@dataclass(frozen=True)
class Point:
    """A policy by two results."""

    label: str
    style: Style
    x: Quantity
    y: Quantity


def plane_panel(title: str, x_label: str, y_label: str, points: Sequence[Point]) -> Element:
    """Draw points with their intervals in both directions."""
    plot = Plot.of(_axis(x_label, [point.x for point in points]), _axis(y_label, [point.y for point in points]))
    marks = []
    for point in points:
        x, y = point.x, point.y
        across, down = plot.across(x.value), plot.down(y.value)
        if x.spread:
            marks.append(whisker(point.style, plot.across(x.value - x.spread), down, plot.across(x.value + x.spread), down))
        if y.spread:
            marks.append(whisker(point.style, across, plot.down(y.value - y.spread), across, plot.down(y.value + y.spread)))
        marks.append(marker(point.style, across, down, f"{point.label}: {y_label} {y}, {x_label} {x}", point.label))
    return panel(title, f"{title}: {', '.join(point.label for point in points)}", plot, marks)


def _axis(label: str, quantities: Sequence[Quantity]) -> Axis:
    ends = [q.value + sign * q.spread for q in quantities if q.spread is not None for sign in (-1, 1)]
    return numbers(label, *limits([quantity.value for quantity in quantities], ends))
