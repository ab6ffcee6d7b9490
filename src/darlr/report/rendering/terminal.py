"""Text for a terminal."""

import rich.text

from darlr.text import visible


def shown(text: str, style: str = "") -> rich.text.Text:
    """Return a line of text for a rich console, which interprets no markup, emoji name or control sequence in it."""
    return rich.text.Text(visible(text), style=style)
