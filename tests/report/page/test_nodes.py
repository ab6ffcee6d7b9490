"""Elements."""

from xml.etree.ElementTree import tostring

import pytest

from darlr.report.page.nodes import node, number


def test_children_and_text_keep_their_order_and_nothing_is_left_out() -> None:
    made = node("p", "a ", node("b", "bold"), " and ", None, node("i"), "c", "d")
    assert tostring(made, encoding="unicode", method="html") == "<p>a <b>bold</b> and <i></i>cd</p>"


def test_attributes() -> None:
    made = node("path", class_="line", aria_label='"<x>" & y', d="M0 0", x=1.23456, y=2, title=None)
    text = tostring(made, encoding="unicode", method="html")
    assert text == '<path class="line" aria-label="&quot;<x&gt;&quot; &amp; y" d="M0 0" x="1.23" y="2"></path>'


@pytest.mark.parametrize(("value", "text"), [(1.0, "1"), (1.256, "1.26"), (0.1, "0.1"), (-3.5, "-3.5"), (1234.567, "1234.57")])
def test_coordinates_are_short(value: float, text: str) -> None:
    assert number(value) == text
