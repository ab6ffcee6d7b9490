"""`darlr complete`: what it says while and after it completes a truth."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from darlr.cli import SECONDS_BETWEEN_LINES
from darlr.cli.tables import print_table
from darlr.config.loading import from_mapping, parse_overrides
from darlr.data.completion.completing import Progress
from darlr.data.completion.settings import CompletingConfig
from darlr.data.completion.truths import complete_truth
from darlr.data.origin.cache import Cache, cache_directory
from darlr.data.registry import SOURCES, data_directory
from darlr.data.settings import DataConfig
from darlr.errors import unknown
from darlr.report.rendering.table import Table


def complete_named(name: str, overrides: Sequence[str], data_dir: Path | None, console: Console | None = None) -> None:
    """Complete the truth of the data set `name`, and print what came out.

    Args: overrides: settings of `CompletingConfig`, as "completion.sweeps=60".
    """
    source = SOURCES.get(name)
    if source is None:
        raise unknown("data set", name, SOURCES)
    data = DataConfig()
    if source.published_truth is not None:  # it is not needed where another one is to be made
        data = replace(data, truth="completed")
    config = from_mapping(CompletingConfig, parse_overrides(overrides), CompletingConfig(data, source.completion))
    folder = data_directory(data_dir) / source.folder
    console = console or Console(stderr=True, soft_wrap=True)

    def notice(text: str) -> None:
        console.print(f"note: {text}", markup=False, highlight=False)

    with _shown(name, console) as progress:
        matrix, completion = complete_truth(source, config, folder, Cache(cache_directory(), notice), progress, notice)
    rows = tuple(_describe(completion.manifest))
    print_table(Table(f"{matrix}: the completed truth of {name}", ("what", "value"), rows))


@contextmanager
def _shown(name: str, console: Console) -> Iterator[Progress]:
    """A bar where somebody watches, a line now and then elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
    printed = time.monotonic()
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"{name}: sweeps")

        def show(done: int, total: int) -> None:
            nonlocal printed
            bar.update(task, completed=done, total=total)
            if not console.is_terminal and time.monotonic() - printed >= SECONDS_BETWEEN_LINES:
                console.print(f"{name}: sweep {done:,}/{total:,}", markup=False, highlight=False)
                printed = time.monotonic()

        yield show


def _describe(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(label, figure) of a completion."""
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
