"""Terminal output while a world is generated."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from darlr.cli.terminal import SECONDS_BETWEEN_LINES
from darlr.report.rendering.terminal import shown


@contextmanager
def generation_progress(rows: int) -> Iterator[Callable[[int], None]]:
    """Show a bar in a terminal, a line now and then elsewhere; yields a function that takes the number of newly written
    rows.
    """
    console = Console(stderr=True, soft_wrap=True)
    columns = (TextColumn("rows"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(compact=True))
    done, printed = 0, time.monotonic()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("rows", total=rows)

        def advance(more: int) -> None:
            nonlocal done, printed
            done += more
            progress.advance(task, more)
            if not console.is_terminal and time.monotonic() - printed >= SECONDS_BETWEEN_LINES:
                console.print(shown(f"{done:,} of {rows:,} rows"))
                printed = time.monotonic()

        yield advance
