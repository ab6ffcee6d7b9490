"""Terminal output before, while and after files are downloaded."""

import shlex
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from darlr.cli.terminal import SECONDS_BETWEEN_LINES
from darlr.cli.terminal.pipes import outliving_readers
from darlr.cli.terminal.tables import print_table
from darlr.data.origin.cache import Cache, cache_directory
from darlr.data.origin.fetching import fetch_file
from darlr.data.origin.official import Official
from darlr.data.origin.partial import PartialFile
from darlr.data.registry import SOURCES, data_directory
from darlr.data.source import Source
from darlr.errors import InputError, unknown
from darlr.report.rendering.table import Table
from darlr.report.rendering.terminal import shown
from darlr.text import visible


class DownloadMonitor:
    """Shows a download's progress on standard error: a bar in a terminal, a line now and then elsewhere."""

    def __init__(self, name: str, console: Console | None = None) -> None:
        self._name = name
        self._console = console or Console(stderr=True, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(compact=True),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None
        self._printed = time.monotonic()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def received(self, done: int, total: int | None) -> None:
        """Show the progress."""
        if self._task is None:
            self._task = self._progress.add_task(visible(self._name), total=total, completed=done)
        self._progress.update(self._task, completed=done, total=total)
        now = time.monotonic()
        if not self._console.is_terminal and now - self._printed >= SECONDS_BETWEEN_LINES:
            self._print(f"{self._name}: {decimal(done)}" + (f" of {decimal(total)}" if total is not None else ""))
            self._printed = now

    def notice(self, text: str) -> None:
        """Print a line."""
        self._print(f"note: {self._name}: {text}")

    def _print(self, line: str) -> None:
        self._console.print(shown(line))


def list_fetchable(data_dir: Path | None) -> None:
    """Print the files that can be fetched, and how to get the others."""
    directory = data_directory(data_dir)
    rows = tuple(
        (
            source.name,
            official.archive,
            "unknown" if official.size is None else decimal(official.size),
            official.licence,
            _state(source.name, official, directory / source.folder),
        )
        for source in _fetchable().values()
        for official in source.official
    )
    print_table(Table(f"files for {directory}", ("name", "file", "size", "licence", "how to get it"), rows))


def fetch_source(name: str, data_dir: Path | None) -> None:
    """Download every file of a data set that may be downloaded and is missing.

    Raises:
        InputError: for a name without files to fetch, a file in the way, or, at the end, if some files have to be got in
            another way.
        RunError: if a download fails.
    """
    source = _fetchable().get(name)
    if source is None:
        if name in SOURCES:
            raise InputError(f"data set '{name}' is built in; there is nothing to fetch")
        raise unknown("data set", name, _fetchable())
    folder = data_directory(data_dir) / source.folder
    cache = Cache(cache_directory())
    by_hand = [official for official in source.official if not _get(official, folder, cache)]
    if by_hand:
        raise InputError(
            "; ".join(f"get {official.archive} {official.advice} and put it into {folder}" for official in by_hand)
        )
    option = "" if data_dir is None else f" --data-dir {shlex.quote(str(data_dir))}"
    print(visible(f"next: darlr check {name}{option}"))


def _fetchable() -> dict[str, Source]:
    return {name: source for name, source in SOURCES.items() if source.official}


def _get(official: Official, folder: Path, cache: Cache) -> bool:
    """Download a published file if it is missing; return False if it is missing and a program may not download it."""
    path = folder / official.archive
    if not path.exists():
        if not official.missing(folder):
            print(visible(f"{official.archive}: its files lie unpacked in {folder}"))
            return True
        if official.url is None:
            return False
        print(visible(f"{official.archive}: {official.url}"))
        print(visible(f"  licence: {official.licence}"))
        if official.citation:
            print(visible(f"  cite: {official.citation}"))
    with DownloadMonitor(official.archive) as monitor, outliving_readers():
        downloaded = fetch_file(official, folder, cache, monitor)
    print(visible(f"{path}: {'complete' if downloaded else 'already here'}, {_compared(official)}"))
    return True


def _compared(official: Official) -> str:
    known = [name for name, value in (("size", official.size), ("checksum", official.has_checksum)) if value]
    told = f"its {' and '.join(known)} as published" if known else ""
    unknown = "" if official.has_checksum else "its owner publishes no checksum to compare it with"
    return ", ".join(part for part in (told, unknown) if part)


def _state(name: str, official: Official, folder: Path) -> str:
    if not official.missing(folder):
        return "is here"
    if official.url is None:
        return f"on request; darlr fetch {name} says where"
    kept = PartialFile(folder / official.archive).path
    return f"darlr fetch {name}" + (f" (begun: {decimal(kept.stat().st_size)})" if kept.is_file() else "")
