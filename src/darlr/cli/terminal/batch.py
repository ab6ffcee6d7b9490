"""Terminal output while all users are ranked, and afterwards."""

import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from darlr.serving.batch import write_all
from darlr.serving.messages import Request
from darlr.serving.recommender import Recommender
from darlr.text import visible


def write_all_users(recommender: Recommender, path: Path, count: int, defaults: Request, diversify: bool) -> None:
    """Write the lists of all users to `path`, with a bar in a terminal, and a line with the throughput at the end."""
    users, started, spent = len(recommender.user_ids), time.perf_counter(), time.process_time()
    console = Console(stderr=True, soft_wrap=True)
    columns = (TextColumn("users"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("users", total=users)
        write_all(recommender, path, count, defaults, diversify, lambda done: progress.advance(task, done))
    seconds, busy = time.perf_counter() - started, time.process_time() - spent
    rate = f"{users / max(seconds, 1e-9):,.0f} users/s; {seconds:.1f} s, {busy:.1f} s of a CPU"
    print(f"{visible(str(path))}: {users:,} users ({rate})", file=sys.stderr)
