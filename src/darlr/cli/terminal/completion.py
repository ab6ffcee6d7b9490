"""Terminal output while a truth is completed, and the figures of a completed one."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from darlr.cli.terminal import SECONDS_BETWEEN_LINES
from darlr.data.completion.completing import Progress
from darlr.report.rendering.terminal import shown
from darlr.text import visible


@contextmanager
def completion_progress(name: str, console: Console) -> Iterator[Progress]:
    """Show a bar in a terminal, and a line now and then elsewhere."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
    )
    printed = time.monotonic()
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(visible(f"{name}: sweeps"))

        def show(done: int, total: int) -> None:
            nonlocal printed
            bar.update(task, completed=done, total=total)
            if not console.is_terminal and time.monotonic() - printed >= SECONDS_BETWEEN_LINES:
                console.print(shown(f"{name}: sweep {done:,}/{total:,}"))
                printed = time.monotonic()

        yield show


def describe_completion(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (label, figure) pairs of a completion."""
    ratings, chosen, matrix = manifest["ratings"], manifest["chosen"], manifest["matrix"]
    yield "completed from", f"{ratings['pairs']:,} pairs of {', '.join(manifest['inputs'])}, mean {ratings['mean']:.4f}"
    for candidate in manifest["candidates"]:
        what = "chosen" if candidate == chosen else "tried"
        settings = f"factors {candidate['factors']}, penalties {candidate['factor_penalty']:g}, {candidate['bias_penalty']:g}"
        yield f"{what}: {settings}", f"held-out RMSE {candidate['held_out_rmse']:.4f}"
    yield "shape", " x ".join(f"{size:,}" for size in matrix["shape"])
    yield "mean", f"{matrix['mean']:.4f}"
    edges, counts = matrix["histogram"]["edges"], matrix["histogram"]["counts"]
    bars = zip(edges, edges[1:], counts, strict=False)
    yield "histogram", ", ".join(f"{low:g}..{high:g}: {count:,}" for low, high, count in bars)
    yield "SHA-256", matrix["sha256"]
