"""Text for a terminal."""

import rich.text

from darlr.text import visible


def shown(text: str, style: str = "") -> rich.text.Text:
    """A line of text for a rich console, which takes nothing in it for markup, an emoji's name or a control sequence."""
    return rich.text.Text(visible(text), style=style)
