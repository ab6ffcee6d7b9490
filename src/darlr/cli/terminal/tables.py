"""Tables on standard output; loads nothing heavy."""

import sys

from rich.console import Console

from darlr.report.rendering.table import Table, to_rich
from darlr.report.rendering.terminal import shown

WIDTH_WITHOUT_TERMINAL = 160


def print_table(table: Table) -> None:
    """Print a table on standard output; without a terminal it is as wide as its content needs."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
    if table.lead:
        console.print(shown(table.lead, "bold"))
    console.print(to_rich(table))
