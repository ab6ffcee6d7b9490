"""Yahoo! R3, as published (tabs, ids from 1) and in AutoDebias' copy (commas, ids from 0)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from tests.official_files.tables import Integers, deal
from tests.official_files.tastes import Tastes, choose_items

ROOT = "ydata-ymusic-rating-study-v1_0"
TRAIN, TEST = "ydata-ymusic-rating-study-v1_0-train.txt", "ydata-ymusic-rating-study-v1_0-test.txt"
COMMA_TRAIN, COMMA_TEST = "user.txt", "random.txt"
DRAWN = 10
LEAST = 10


@dataclass(frozen=True)
class Size:
    """Users and songs; rows of the train file; users of the test file, the first ones."""

    users: int
    songs: int
    rows: int
    test_users: int


TINY = Size(60, 45, 900, 20)
FULL = Size(15_400, 1_000, 311_704, 5_400)


@dataclass(frozen=True)
class Ratings:
    """Rows in the file's order: (n,) positions of users and items, from 0, and ratings 1..5."""

    users: Integers
    items: Integers
    ratings: Integers

    def __len__(self) -> int:
        return len(self.users)


@dataclass(frozen=True)
class Yahoo:
    """The written content.

    Attributes:
        folder: the folder of the files.
        first_id: the raw id of position 0, of users and songs alike.
        train, test: the rows.
        tastes: the tastes behind the ratings.
    """

    folder: Path
    first_id: int
    train: Ratings
    test: Ratings
    tastes: Tastes


def write_yahoo(root: Path, size: Size = TINY, seed: int = 0, commas: bool = False) -> Yahoo:
    """Write both files: into the published folder in `root`, or with AutoDebias' names into `root` itself."""
    random = np.random.default_rng(seed)
    tastes = Tastes(size.users, size.songs, random)
    songs = np.arange(size.songs)
    owners = songs % size.users
    excluded = np.zeros((size.users, size.songs), bool)
    excluded[owners, songs] = True  # in the train file, so not in the test file
    drawn = choose_items(
        np.full(size.test_users, DRAWN),
        np.zeros(size.songs),
        (songs + 1) % size.test_users,
        random,
        excluded[: size.test_users],
    )
    excluded[owners, songs] = False
    excluded[drawn] = True
    popularity = random.normal(0, 1, size.songs)
    activity = random.lognormal(0, 0.6, size.users)
    counts = LEAST + deal(size.rows - LEAST * size.users, activity, random, size.songs - DRAWN - LEAST)
    chosen = choose_items(counts, popularity, owners, random, excluded)
    train, test = (Ratings(users, songs, tastes.rate(users, songs, random)) for users, songs in (chosen, drawn))
    folder = root if commas else root / ROOT
    folder.mkdir(parents=True, exist_ok=True)
    first_id = 0 if commas else 1
    for name, ratings in zip((COMMA_TRAIN, COMMA_TEST) if commas else (TRAIN, TEST), (train, test), strict=True):
        frame = pl.DataFrame({"u": ratings.users + first_id, "s": ratings.items + first_id, "r": ratings.ratings})
        frame.write_csv(folder / name, include_header=False, separator="," if commas else "\t")
    return Yahoo(folder, first_id, train, test, tastes)
