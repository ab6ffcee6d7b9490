"""Panels of curves: over epochs with bands, and over the values of a setting with whiskers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from darlr.report.page.axes import Axis, limits, numbers
from darlr.report.page.marks import REFERENCE, Style, line, marker, whisker
from darlr.report.page.nodes import node
from darlr.report.page.panel import Plot, panel
from darlr.report.rendering.table import Quantity


@dataclass(frozen=True)
class Curve:
    """Values over an abscissa, the half-widths of their intervals (None: no interval), and single seeds as dots (x, value)."""

    label: str
    style: Style
    xs: Sequence[float]
    means: Sequence[float]
    halves: Sequence[float | None]
    dots: Sequence[tuple[float, float]] = ()

    def ends(self) -> list[float]:
        """Both ends of every interval, and the dots."""
        known = [(mean, half) for mean, half in zip(self.means, self.halves, strict=True) if half is not None]
        return [mean + sign * half for mean, half in known for sign in (-1, 1)] + [value for _, value in self.dots]


def vertical(curves: Iterable[Curve], beyond: float = 2.0) -> Axis:
    """Make the vertical axis of panels that show `curves`; `beyond`: as in `limits`."""
    shown = list(curves)
    means, ends = [v for curve in shown for v in curve.means], [v for curve in shown for v in curve.ends()]
    return numbers("", *limits(means, ends, beyond))


def line_panel(title: str, x: Axis, y: Axis, curves: Sequence[Curve]) -> Element:
    """Curves over a numeric abscissa, each with a band or the dots of its seeds."""
    plot = Plot.of(x, y)
    marks = [
        *(drawn for curve in curves for drawn in (*_band(plot, curve), *_dots(plot, curve))),
        *(_line(plot, curve) for curve in curves),
    ]
    return panel(title, f"{title} by {x.label}: {', '.join(curve.label for curve in curves)}", plot, marks, pointed=True)


def value_panel(title: str, x: Axis, y: Axis, curves: Sequence[Curve], reference: tuple[str, float] | None) -> Element:
    """Draw values over named places with their intervals as whiskers, and a dashed horizontal line for the `reference`."""
    plot = Plot.of(x, y)
    marks = [] if reference is None else [_level(plot, *reference)]
    for place, curve in enumerate(curves):
        marks += _whiskered(plot, curve, aside=6 * (place - (len(curves) - 1) / 2))
    places = ", ".join(text for _, text in x.ticks)
    return panel(title, f"{title} over {x.label}, which is {places}", plot, marks)


def _band(plot: Plot, curve: Curve) -> Iterator[Element]:
    known = [(x, mean, half) for x, mean, half in zip(curve.xs, curve.means, curve.halves, strict=True) if half]
    if len(known) > 1:
        upper = [plot.at(x, mean + half) for x, mean, half in known]
        lower = [plot.at(x, mean - half) for x, mean, half in reversed(known)]
        yield node("path", class_=f"band {curve.style.kind}", d=f"M{'L'.join(upper + lower)}z", data_label=curve.label)


def _dots(plot: Plot, curve: Curve) -> Iterator[Element]:
    """All in one path, whose lines of no length have round ends."""
    if curve.dots:
        places = "".join(f"M{plot.at(x, value)}h0" for x, value in curve.dots)
        yield node("path", class_=f"dots {curve.style.kind}", d=places, data_label=curve.label)


def _line(plot: Plot, curve: Curve) -> Element:
    if len(curve.xs) == 1:
        text = f"{curve.label}: {Quantity(curve.means[0])}"
        return marker(curve.style, plot.across(curve.xs[0]), plot.down(curve.means[0]), text)
    # Values are read back from the line, so its points are exact to a hundredth of a pixel.
    points = [plot.at(x, mean, digits=2) for x, mean in zip(curve.xs, curve.means, strict=True)]
    return line(curve.style, f"M{'L'.join(points)}", curve.label)


def _level(plot: Plot, name: str, value: float) -> Element:
    return line(REFERENCE, f"M{plot.at(plot.x.low, value)}H{plot.width}", name, f"{name}: {Quantity(value)}")


def _whiskered(plot: Plot, curve: Curve, aside: float) -> Iterator[Element]:
    """Yield a line, and at each of its points a marker and its interval; all moved to the right by `aside` pixels."""
    places = [plot.across(x) + aside for x in curve.xs]
    levels = [plot.down(mean) for mean in curve.means]
    path = "M" + "L".join(f"{place:.1f} {level:.1f}" for place, level in zip(places, levels, strict=True))
    yield line(curve.style, path, curve.label)
    for x, place, level, mean, half in zip(curve.xs, places, levels, curve.means, curve.halves, strict=True):
        if half is not None:
            yield whisker(curve.style, place, plot.down(mean + half), place, plot.down(mean - half))
        text = f"{curve.label}, {plot.x.label} = {dict(plot.x.ticks)[x]}: {Quantity(mean, half)}"
        yield marker(curve.style, place, level, text)
