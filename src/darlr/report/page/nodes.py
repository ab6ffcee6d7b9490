"""Elements of the page; their content is escaped when the page is written."""

from typing import Any
from xml.etree.ElementTree import Element

from darlr.text import visible

Child = Element | str | None

OWN = ("style", "script")
"""Elements whose content is the package's own text."""


def node(tag: str, *children: Child, **attributes: Any) -> Element:
    """Make an element of HTML or SVG.

    Args:
        tag: its name.
        children: elements and text in order; None is left out.
        attributes: `class_` means class, `aria_label` means aria-label; numbers get at most two decimals, None is left out.
    """
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
    plain = {name: number(value) if isinstance(value, float) else visible(str(value)) for name, value in named.items()}
    element = Element(tag, plain)
    last: Element | None = None
    for given in children:
        child = visible(given) if isinstance(given, str) and tag not in OWN else given
        if isinstance(child, Element):
            element.append(child)
            last = child
        elif child is not None and last is None:
            element.text = (element.text or "") + child
        elif child is not None and last is not None:
            last.tail = (last.tail or "") + child
    return element


def number(value: float) -> str:
    """Format a coordinate with at most two decimals."""
    return f"{round(value, 2):g}"
