"""Elements of the page; what is put into them is escaped when the page is written."""

from typing import Any
from xml.etree.ElementTree import Element

Child = Element | str | None


def node(tag: str, *children: Child, **attributes: Any) -> Element:
    """An element of HTML or SVG.

    Args:
        children: elements and text in order; None is left out.
        attributes: `class_` stands for class, `aria_label` for aria-label; numbers get two decimals at most, None is left out.
    """
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
    element = Element(tag, {name: number(value) if isinstance(value, float) else str(value) for name, value in named.items()})
    last: Element | None = None
    for child in children:
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
