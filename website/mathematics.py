"""LaTeX formulas as MathML, which browsers show without a script and without a font from elsewhere."""

import html
import re

from latex2mathml.converter import convert

FORMULA = re.compile(
    r'<(?P<tag>div|span) class="arithmatex">\\(?P<kind>\[|\()\s*(?P<latex>.*?)\s*\\(?:\]|\))</(?P=tag)>', re.DOTALL
)


def rendered(page: str) -> str:
    """The HTML of a `page` with each formula that `pymdownx.arithmatex` marked as MathML; a display formula can be scrolled."""
    return FORMULA.sub(_mathml, page)


def _mathml(found: re.Match[str]) -> str:
    latex = html.unescape(found["latex"])
    if found["kind"] == "(":
        return convert(latex, display="inline")
    return f'<div class="equation">{convert(latex, display="block")}</div>'
