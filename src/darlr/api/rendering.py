"""Results as text in scripts, and as tables in notebooks."""

from typing import Any

from darlr.report.rendering.table import Table, to_markdown


class Tables:
    """Shows its tables as Markdown: with `print(result)` in a script, and by itself in a notebook."""

    def tables(self) -> tuple[Table, ...]:
        """Return the tables to show."""
        raise NotImplementedError

    def __str__(self) -> str:
        return "\n".join(map(to_markdown, self.tables()))

    def _repr_markdown_(self) -> str:
        return str(self)


def figure(value: Any) -> str:
    """Format a number within a line of text."""
    return "-" if value is None else f"{value:.3f}"
