"""The frame of a picture with two axes, an SVG that scales with the page and takes its colours from style.css."""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from darlr.report.page.axes import Axis
from darlr.report.page.nodes import node, number

WIDTH, HEIGHT = 440, 272
TOP, RIGHT, BOTTOM = 30, 14, 40
CHARACTER = 6.8
"""The approximate width of a character, which reserves room for labels."""


@dataclass(frozen=True)
class Plot:
    """The area inside the axes, in pixels."""

    x: Axis
    y: Axis
    left: int
    width: int = 0
    height: int = HEIGHT - TOP - BOTTOM

    @classmethod
    def of(cls, x: Axis, y: Axis) -> "Plot":
        """Make a plot as wide as the texts at the vertical axis allow."""
        left = 12 + round(CHARACTER * max((len(text) for _, text in y.ticks), default=0))
        return cls(x, y, left, WIDTH - left - RIGHT)

    def across(self, value: float) -> float:
        """Return the distance of `value` from the left."""
        return self.x.place(value, self.width)

    def down(self, value: float) -> float:
        """Return the distance of `value` from the top."""
        return self.height - self.y.place(value, self.height)

    def at(self, x: float, y: float, digits: int = 1) -> str:
        """Return a point of a path."""
        return f"{round(self.across(x), digits):g} {round(self.down(y), digits):g}"


def panel(title: str, description: str, plot: Plot, marks: Iterable[Element], pointed: bool = False) -> Element:
    """Draw `marks` (in the plot's pixels) inside the axes.

    Args:
        title: the title.
        description: the text for readers who do not see the picture.
        plot: the area.
        marks: the elements.
        pointed: whether hover.js shows the values of its curves.
    """
    x, y = plot.x, plot.y
    frame = [node("path", class_="grid", d=f"M0 {number(plot.down(at))}H{plot.width}") for at, _ in y.ticks]
    frame += [node("text", text, x=-6, y=plot.down(at) + 4, text_anchor="end") for at, text in y.ticks]
    frame += [node("text", text, x=plot.across(at), y=plot.height + 16, text_anchor="middle") for at, text in x.ticks]
    frame.append(node("path", class_="axis", d=f"M0 {plot.height}H{plot.width}"))
    frame.append(node("text", x.label, class_="label", x=plot.width, y=plot.height + 33, text_anchor="end"))
    told = {"data_x": f"{x.low} {x.high}", "data_y": f"{y.low} {y.high}", "data_name": x.label} if pointed else {}
    # An inner svg clips everything outside of it.
    inner = node("svg", *marks, class_="plot", width=plot.width, height=plot.height, **told)
    placed = node("g", *frame, inner, transform=f"translate({plot.left} {TOP})")
    return svg(WIDTH, HEIGHT, description, node("text", title, class_="title", x=4, y=15), placed)


def svg(width: int, height: int, description: str, *parts: Element) -> Element:
    """Make a picture of these proportions, at most a quarter larger than this."""
    size = f"max-width:{width * 1.25:g}px"
    return node("svg", *parts, viewBox=f"0 0 {width} {height}", role="img", aria_label=description, style=size)
