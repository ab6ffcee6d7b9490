"""The parts of the page in HTML: sections, tables that scroll in a box, figures whose panels stack on a narrow screen."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from darlr.report.page.marks import Style, legend
from darlr.report.page.nodes import Child, node
from darlr.report.rendering.table import Table

PANEL = 600
"""Pixels that a panel has at most, and some room beside it."""


@dataclass(frozen=True)
class Section:
    """A heading and the parts below it."""

    title: str
    parts: tuple[Element, ...]


def section(title: str, *parts: Element | None) -> Section:
    """Make a section of those `parts` that are not None."""
    return Section(title, tuple(part for part in parts if part is not None))


def paragraph(text: str) -> Element:
    """Make a paragraph of explanation."""
    return node("p", text, class_="note")


def figure(caption: str, panels: Sequence[Element], entries: Sequence[tuple[str, Style]] = (), lines: bool = False) -> Element:
    """Panels side by side, beside (where it is narrow: below) what their styles stand for (`lines` or markers)."""
    named = legend(entries, lines) if entries else None
    kind = "named" if entries else None
    size = f"--panels:{PANEL * len(panels)}px"
    return node("figure", node("figcaption", caption), named, node("div", *panels, class_="panels"), class_=kind, style=size)


def table_box(table: Table) -> Element:
    """Make a table and its notes, which scroll sideways in their own box."""
    numeric = ["number" if table.numeric(column) else None for column in range(len(table.header))]
    head = node("tr", *(node("th", text, scope="col", class_=kind) for text, kind in zip(table.header, numeric, strict=True)))
    rows = [
        node(
            "tr",
            node("th", *_breakable(str(row[0])), scope="row"),
            *(
                node("td", None if cell is None else str(cell), class_=kind)
                for cell, kind in zip(row[1:], numeric[1:], strict=True)
            ),
        )
        for row in table.rows
    ]
    whole = node("table", node("caption", table.title), node("thead", head), node("tbody", *rows))
    box = node("div", whole, class_="scroll", tabindex=0, role="region", aria_label=table.title)
    notes = [node("li", note) for note in table.notes]
    return node("div", box, node("ul", *notes, class_="notes") if notes else None, class_="table")


def _breakable(text: str) -> Iterator[Child]:
    """Return the text with possible breaks after the parts of a setting's name."""
    for place, part in enumerate(re.split(r"(?<=[._=])", text)):
        if place:
            yield node("wbr")
        yield part
