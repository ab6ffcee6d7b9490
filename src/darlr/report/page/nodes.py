"""Elements of the page; what is put into them is escaped when the page is written, or shown as escapes."""

from typing import Any
from xml.etree.ElementTree import Element

from darlr.text import visible

Child = Element | str | None

OWN = ("style", "script")
"""What stands in them are the package's own lines."""


def node(tag: str, *children: Child, **attributes: Any) -> Element:
    """An element of HTML or SVG.

    Args:
        children: elements and text in order; None is left out.
        attributes: `class_` stands for class, `aria_label` for aria-label; numbers get two decimals at most, None is left out.
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
    """A coordinate: two decimals at most, none that say nothing."""
    return f"{round(value, 2):g}"
