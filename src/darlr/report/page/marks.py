"""The marks of a table's row in every picture: a colour, and dashes or a shape that distinguish it from others."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from darlr.report.page.nodes import node, number

COLOURS = 7
"""The number of colours in style.css (the palette of Okabe and Ito, which colour-blind readers can distinguish)."""

DASHES = ("", "5 3", "1.5 2.5")
SHAPES = {
    "circle": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
    "square": "M-3.6-3.6h7.2v7.2h-7.2z",
    "triangle": "M0-4.8L4.6 3.4h-9.2z",
    "diamond": "M0-5L5 0L0 5L-5 0z",
    "cross": "M-4-4L4 4M-4 4L4-4",
    "plus": "M-5 0H5M0-5V5",
    "down": "M0 4.8L4.6-3.4h-9.2z",
    "bar": "M0-6V6",
    "hash": "M-2-5V5M2-5V5M-5-2H5M-5 2H5",
    "star": "M0-5V5M-4.3-2.5L4.3 2.5M-4.3 2.5L4.3-2.5",
}
"""Outlines around the origin."""

ROWS = ("circle", "square", "triangle")
OTHERS = ("cross", "plus", "down", "diamond", "star", "hash", "bar", "circle", "square")


@dataclass(frozen=True)
class Style:
    """The style of a row; `kind` is its class in style.css."""

    kind: str
    dashes: str = ""
    shape: str = "circle"


PUBLISHED = Style("published", "4 3", "diamond")
REFERENCE = Style("reference", "2 3", "bar")
EVERY_USER = "diamond"
"""The shape, in a row's colour, of the value of its last policy on every user."""


def row_style(place: int) -> Style:
    """Return the style of the row at `place` in its data set: colours first, then dashes and shapes change; 21 styles
    differ.
    """
    turn = place // COLOURS
    return Style(f"c{place % COLOURS}", DASHES[turn % len(DASHES)], ROWS[turn % len(ROWS)])


def other_style(place: int) -> Style:
    """Return the style of the opponent at `place`: grey, with a separate shape."""
    return Style("other", DASHES[-1], OTHERS[place % len(OTHERS)])


def marker(style: Style, x: float, y: float, text: str | None = None, label: str | None = None) -> Element:
    """Draw the style's shape around (x, y); `text` is shown on hover; `label`: the row."""
    title = None if text is None else node("title", text)
    place = f"translate({number(x)} {number(y)})"
    kind = f"mark {style.shape} {style.kind}"
    return node("path", title, class_=kind, d=SHAPES[style.shape], transform=place, data_label=label)


def line(style: Style, path: str, label: str, text: str | None = None) -> Element:
    """Draw the `path` in the style's colour and dashes; `label`: the row; `text` is shown on hover."""
    title = None if text is None else node("title", text)
    return node("path", title, class_=f"line {style.kind}", d=path, stroke_dasharray=style.dashes or None, data_label=label)


def whisker(style: Style, x0: float, y0: float, x1: float, y1: float) -> Element:
    """Draw an interval as a line."""
    return node("path", class_=f"whisker {style.kind}", d=f"M{number(x0)} {number(y0)}L{number(x1)} {number(y1)}")


def legend(entries: Sequence[tuple[str, Style]], lines: bool) -> Element:
    """Return the legend of the styles, as a list; a sample is a line or a marker."""
    items = []
    for label, style in entries:
        sample = line(style, "M1 6H27", label) if lines else marker(style, 14.0, 6.0)
        svg = node("svg", sample, viewBox="0 0 28 12", width=28, height=12, aria_hidden="true")
        items.append(node("li", svg, label, data_label=label))
    return node("ul", *items, class_="legend")
