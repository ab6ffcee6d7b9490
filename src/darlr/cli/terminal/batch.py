"""Terminal output while all users are ranked, and afterwards."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from darlr.serving.batch import write_all
from darlr.serving.messages import Request
from darlr.serving.recommender import Recommender
from darlr.text import visible

if TYPE_CHECKING:
    from darlr.serving.spread_batch import Asked


def write_all_users(recommender: Recommender, path: Path, count: int, defaults: Request, diversify: bool) -> None:
    """Write the lists of all users to `path`, with a progress bar on a terminal and a line with the throughput at the end."""
    users, started, spent = len(recommender.user_ids), time.perf_counter(), time.process_time()
    with _bar() as told:
        write_all(recommender, path, count, defaults, diversify, lambda done: told(users, done))
    seconds, busy = time.perf_counter() - started, time.process_time() - spent
    _tell(path, users, seconds, f", {busy:.1f} s of a CPU")


def write_all_users_on(address: str, asked: "Asked", folder: Path) -> None:
    """Write the lists of all users to a folder, on the Ray cluster at `address`."""
    from darlr.serving.spread_batch import write_all_on  # noqa: PLC0415

    started, counts = time.perf_counter(), {"users": 0}
    with _bar() as told:

        def counted(users: int, done: int) -> None:
            counts["users"] = users
            told(users, done)

        write_all_on(address, asked, folder, counted, lambda text: print(f"note: {visible(text)}", file=sys.stderr))
    _tell(folder, counts["users"], time.perf_counter() - started, "")


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar; it receives the number of users and the number of newly finished ones."""
    console = Console(stderr=True, soft_wrap=True)
    columns = (TextColumn("users"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("users", total=None)

        def told(users: int, done: int) -> None:
            progress.update(task, total=users, advance=done)

        yield told


def _tell(path: Path, users: int, seconds: float, more: str) -> None:
    rate = f"{users / max(seconds, 1e-9):,.0f} users/s; {seconds:.1f} s{more}"
    print(f"{visible(str(path))}: {users:,} users ({rate})", file=sys.stderr)
