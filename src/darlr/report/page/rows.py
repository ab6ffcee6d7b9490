"""Pictures with a name on each row: marks along an axis, and bars of several parts."""

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from darlr.report.page.axes import Axis, limits, numbers
from darlr.report.page.marks import Style, marker, whisker
from darlr.report.page.nodes import node, number
from darlr.report.page.panel import CHARACTER, RIGHT, svg
from darlr.report.rendering.table import Quantity

WIDTH = 480
NAME = 32
"""The largest number of characters in a line of a name."""
LINE = 13
"""The height of a line."""


@dataclass(frozen=True)
class Mark:
    """A value on a row: its label (as in a legend), and its text."""

    style: Style
    value: Quantity
    label: str
    text: str


def mark_rows(title: str, label: str, rows: Sequence[tuple[str, Sequence[Mark]]], apart: int = 9) -> Element:
    """Draw rows of marks with their intervals, each mark `apart` pixels below the one before."""
    values = [mark.value for _, marks in rows for mark in marks]
    ends = [value.value + sign * value.spread for value in values if value.spread is not None for sign in (-1, 1)]
    axis = numbers(label, *limits([value.value for value in values], ends))
    most = max(len(marks) for _, marks in rows)

    def draw(row: int, width: float) -> Iterable[Element]:
        marks = rows[row][1]
        for place, mark in enumerate(marks):
            down = apart * (place - (len(marks) - 1) / 2)
            if mark.value.spread:
                low, high = mark.value.value - mark.value.spread, mark.value.value + mark.value.spread
                yield whisker(mark.style, max(0.0, axis.place(low, width)), down, min(width, axis.place(high, width)), down)
            yield marker(mark.style, axis.place(mark.value.value, width), down, f"{mark.text}: {mark.value}", mark.label)

    return _rows(title, axis, [name for name, _ in rows], 16 + apart * most, draw)


def bar_rows(title: str, label: str, parts: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]]) -> Element:
    """Draw bars whose `parts` follow one another (classes part0, part1, ... of style.css); a negative part has no length."""
    rows = [(name, [max(0.0, value) for value in values]) for name, values in rows]
    axis = numbers(label, 0.0, limits([0.0, *(sum(values) for _, values in rows)])[1])

    def draw(row: int, width: float) -> Iterable[Element]:
        name, values = rows[row]
        for place, value in enumerate(values):
            begin = axis.place(sum(values[:place]), width)
            told = node("title", f"{name}, {parts[place]}: {Quantity(value)}")
            yield node("rect", told, class_=f"part{place}", x=begin, y=-7, width=axis.place(value, width), height=14)

    return _rows(title, axis, [name for name, _ in rows], 24, draw)


def _rows(
    title: str, axis: Axis, names: Sequence[str], height: int, draw: Callable[[int, float], Iterable[Element]]
) -> Element:
    """Draw rows of at least this height; `draw` returns the elements of a row, around the level 0, on an axis of the given
    width.
    """
    lines = [textwrap.wrap(name, NAME, break_on_hyphens=False) for name in names]
    left = 12 + round(CHARACTER * max(len(line) for broken in lines for line in broken))
    width = WIDTH - left - RIGHT
    step = max(height, LINE * max(map(len, lines)) + 6)
    bottom = step * len(names)
    drawn = [node("path", class_="grid", d=f"M{number(axis.place(at, width))} 0V{bottom}") for at, _ in axis.ticks]
    drawn += [node("text", text, x=axis.place(at, width), y=bottom + 16, text_anchor="middle") for at, text in axis.ticks]
    for row, broken in enumerate(lines):
        level = (row + 0.5) * step
        drawn.append(node("path", class_="grid", d=f"M0 {number(level)}H{width}"))
        top = level + 4 - LINE * (len(broken) - 1) / 2
        drawn += [node("text", line, x=-8, y=top + LINE * place, text_anchor="end") for place, line in enumerate(broken)]
        drawn.append(node("g", *draw(row, float(width)), transform=f"translate(0 {number(level)})"))
    drawn.append(node("text", axis.label, class_="label", x=width, y=bottom + 32, text_anchor="end"))
    return svg(WIDTH, bottom + 44, f"{title}: {', '.join(names)}", node("g", *drawn, transform=f"translate({left} 6)"))
