"""The planted world: so small and plain that any working method learns which items are liked."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from darlr.data.readers.folder import read_folder
from darlr.data.source import LoadedDataset

PLANTED = "planted"
USERS = ITEMS = 40
LONGEST = 10
"""The number of steps of every episode."""


def write_planted_world(folder: Path, truth: bool = True, positive_only: bool = False, well_chosen: bool = False) -> Path:
    """Write a data set in the folder format in which everybody likes every other item; the log shows half of the items to
    each user.

    There are 40 users `u0`... and 40 items `i0`..., of which the odd numbers are liked. With `truth`, the first 20 users
    are tested. Nobody leaves before 10 steps.

    Args:
        folder: the new folder.
        truth: whether the data set has a truth.
        positive_only: whether the log holds positives alone.
        well_chosen: whether the log shows nine liked items for each other one, for methods that imitate it; else equally many.
    """
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    best, worst = (1, 0) if positive_only else (5, 1)
    rows = [
        f"u{user},i{item},{best if item % 2 else worst},{100 * user + place}"
        for user in range(USERS)
        for place, item in enumerate(_shown(random, well_chosen))
        if item % 2 or not positive_only
    ]
    (folder / "log.csv").write_text("user_id,item_id,reward,timestamp\n" + "\n".join(rows) + "\n")
    (folder / "items.csv").write_text(
        "item_id,categories\n" + "\n".join(f"i{item},{'ab'[item % 2]}" for item in range(ITEMS)) + "\n"
    )
    feedback = "positive-only" if positive_only else "ratings"
    files = ["interactions: log.csv", "items: items.csv"]
    if truth:
        write_truth(folder / "truth.csv", range(20), best, worst)
        files.append("truth: truth.csv")
    (folder / "dataset.yaml").write_text(
        f"files: {{{', '.join(files)}}}\n"
        f"reward: {{feedback: {feedback}, minimum: {worst}, maximum: {best}}}\n"
        f"leave: {{by: never, max_steps: {LONGEST}}}\n"
    )
    return folder


def _shown(random: np.random.Generator, well_chosen: bool) -> list[int]:
    """The 20 items that a user was shown, in order."""
    shown = random.permutation(ITEMS)[:20]
    if well_chosen:
        liked, others = (random.permutation(np.arange(first, ITEMS, 2)) for first in (1, 0))
        shown = random.permutation(np.concatenate([liked[:18], others[:2]]))
    return [int(item) for item in shown]


def write_truth(file: Path, users: range, best: int, worst: int, items: range = range(ITEMS)) -> None:
    """Write the ratings of the `users` of the planted world for its `items`."""
    cells = [f"u{user},i{item},{best if item % 2 else worst}" for user in users for item in items]
    file.write_text("user_id,item_id,reward\n" + "\n".join(cells) + "\n")


def planted_world() -> LoadedDataset:
    """Return the planted world in memory; its test world has the first 20 users."""
    with scratch() as folder:
        return read_folder(write_planted_world(folder / PLANTED))


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield an empty folder, which is removed afterwards."""
    with TemporaryDirectory(prefix="darlr-testing-") as folder:
        yield Path(folder)
