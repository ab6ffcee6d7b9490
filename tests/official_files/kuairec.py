"""KuaiRec 2.0: `KuaiRec 2.0/data/*.csv`.

Views are watched either completely or hardly. One in four of every item's rows in the big matrix, including the first, is
liked, and stays so after a z-score by item. Views are spread over tags so that the dominant ones lie far from any bound.
The small matrix follows the same tastes, cell by cell. Rows of the stories are watched to exactly a half.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tests.official_files.people import draw_users
from tests.official_files.stories import FAVOURITE, FILLER, HISTORIES, LETTERS, TAGS
from tests.official_files.tables import Integers, count_tags, deal, dominant, draw_weighted, rank_within, write_pieces
from tests.official_files.tastes import Tastes

ROOT = "KuaiRec 2.0"

COMMON = {29: (0.45, 0.25), 9: (0.3, 0.2), 12: (0.2, 0.15)}
"""Tag -> share of the ordinary views, of the ordinary items."""
RARE = tuple(tag for tag in range(31) if tag not in COMMON)
RARE_VIEWS = 0.05

FIRST_WORLD_USER = 14
BLOCKS = (("2020-07-05", 8), ("2020-08-01", 10), ("2020-08-27", 10))
"""First day and length of the times in which the big matrix was logged."""
SMALL_BLOCK = ("2020-07-05", 63)
DAY = 86_400_000
CHINA = 8 * 3_600_000  # ms that local time is ahead of UTC

HALF = 0.5
LIKED, LOOPED, SKIPPED = 1.6, 6.0, 0.6  # watch ratios
OUTLIER = 50.0
MAXIMUM = 5.0


@dataclass(frozen=True)
class Size:
    """The size of the files.

    Attributes:
        users, items: of the big matrix, numbered without gaps.
        world_users, world_items: of the small matrix.
        rows: all rows of the big matrix.
        duplicates: rows of the big matrix that repeat an ordinary one exactly.
        favourite: rows of one user with one item.
        least: least number of rows of every other user.
        missing: cells that the small matrix lacks.
        untimed: rows of the small matrix without a time.
        above: cells of the small matrix above 5.
    """

    users: int
    items: int
    world_users: int
    world_items: int
    rows: int
    duplicates: int
    favourite: int
    least: int
    missing: int
    untimed: int
    above: int


TINY = Size(60, 90, 20, 40, 4_000, 40, 121, 10, 8, 31, 5)
FULL = Size(7_176, 10_728, 1_411, 3_327, 12_530_806, 250_000, 2_224, 100, 17_827, 181_992, 22_790)


@dataclass(frozen=True)
class Views:
    """Rows of a matrix in the file's order; n rows.

    Attributes:
        users, items: (n,) raw ids.
        played, durations: (n,) milliseconds.
        times: (n,) milliseconds since 1970, UTC; -1 where the file has none.
    """

    users: Integers
    items: Integers
    played: Integers
    durations: Integers
    times: Integers

    def __len__(self) -> int:
        return len(self.users)

    @property
    def ratios(self) -> NDArray[np.float64]:
        """(n,) as in the file."""
        return self.played / self.durations

    def rows(self, chosen: Integers) -> "Views":
        return Views(self.users[chosen], self.items[chosen], self.played[chosen], self.durations[chosen], self.times[chosen])


@dataclass(frozen=True)
class KuaiRec:
    """The written content.

    Attributes:
        folder: the folder of the CSV files.
        size: the size of the files.
        big, small: the rows of the two matrices.
        world_users, world_items: raw ids of the small matrix, ascending.
        truth: (world_users, world_items) watch ratios, clipped at 5; 0 where the small matrix has no row.
        missing: (world_users, world_items) bool, where it has none.
        tags: raw item id -> its tags, as in the file.
        liked: number of liked views of each tag in the big matrix.
        dominant: the dominant tags, most liked first.
        letters: raw item ids of the stories' letters, all in the world.
    """

    folder: Path
    size: Size
    big: Views
    small: Views
    world_users: Integers
    world_items: Integers
    truth: NDArray[np.float64]
    missing: NDArray[np.bool_]
    tags: dict[int, tuple[int, ...]]
    liked: dict[int, int]
    dominant: tuple[int, ...]
    letters: dict[str, int]


def write_kuairec(root: Path, size: Size = TINY, seed: int = 0) -> KuaiRec:
    """Write `KuaiRec 2.0/data` into the folder `root`."""
    random = np.random.default_rng(seed)
    world_users = FIRST_WORLD_USER + np.append(
        0, 1 + np.sort(random.choice(size.users - FIRST_WORLD_USER - 1, size.world_users - 1, replace=False))
    )
    world_items = np.sort(random.choice(size.items, size.world_items, replace=False))
    letters = dict(zip(LETTERS, random.choice(world_items, len(LETTERS), replace=False).tolist(), strict=True))
    tags = _draw_tags(size, letters, random)
    tastes = Tastes(size.users, size.items, random)
    durations = _draw_durations(size, world_items, letters, random)

    big, liked = _draw_big(size, world_users, world_items, tags, letters, tastes, durations, random)
    small, missing = _draw_small(size, world_users, world_items, tastes, durations, random)
    truth = np.zeros(missing.shape)
    truth[np.searchsorted(world_users, small.users), np.searchsorted(world_items, small.items)] = np.minimum(
        small.ratios, MAXIMUM
    )
    counts = count_tags(big.items[liked], tags)

    folder = root / ROOT / "data"
    folder.mkdir(parents=True)
    _write_matrix(folder / "big_matrix.csv", big)
    _write_matrix(folder / "small_matrix.csv", small)
    _write_tags(folder / "item_categories.csv", tags)
    draw_users(size.users, random).write_csv(folder / "user_features.csv")
    _write_friends(folder / "social_network.csv", size.users, random)
    return KuaiRec(folder, size, big, small, world_users, world_items, truth, missing, tags, counts, dominant(counts), letters)


def _draw_tags(size: Size, letters: dict[str, int], random: np.random.Generator) -> dict[int, tuple[int, ...]]:
    """Draw tags: common ones as `COMMON` says; the other items have the rare tags in turn.

    Every other one of those has a second tag, the first one a common tag; one item has four.
    """
    ordinary = random.permutation(np.setdiff1d(np.arange(size.items), list(letters.values()))).tolist()
    tags: dict[int, tuple[int, ...]] = {item: tuple(RARE[place] for place in TAGS[name]) for name, item in letters.items()}
    for tag, (_, share) in COMMON.items():
        count = round(share * len(ordinary))
        tags.update((item, (tag,)) for item in ordinary[:count])
        ordinary = ordinary[count:]
    for place, item in enumerate(ordinary):
        tag = RARE[place % len(RARE)]
        tags[item] = (tag, RARE[(place + 3) % len(RARE)]) if place % 2 else (tag,)
    tags[ordinary[0]] = (RARE[0], 9)
    tags[ordinary[1]] = RARE[1:5]
    return dict(sorted(tags.items()))


def _draw_durations(size: Size, world_items: Integers, letters: dict[str, int], random: np.random.Generator) -> Integers:
    """(items,) milliseconds; even numbers for the letters, whose half is then exact."""
    durations = np.clip(np.exp(random.normal(9.2, 0.7, size.items)), 140, 315_072).astype(np.int64)
    durations[np.setdiff1d(np.arange(size.items), world_items)[0]] = 140
    durations[world_items] = np.maximum(durations[world_items], 3_067)
    durations[list(letters.values())] &= ~1
    return durations


def _draw_big(
    size: Size,
    world_users: Integers,
    world_items: Integers,
    tags: dict[int, tuple[int, ...]],
    letters: dict[str, int],
    tastes: Tastes,
    durations: Integers,
    random: np.random.Generator,
) -> tuple[Views, NDArray[np.bool_]]:
    """Draw the rows, by user and otherwise unordered, and which of them are liked."""
    stories = _stories(size, letters, durations)
    users, items = _draw_pairs(
        size, size.rows - len(stories) - size.duplicates, world_users, world_items, tags, letters, random
    )
    place = rank_within(items, np.lexsort((-tastes.of(users, items), items)))
    liked = place * 4 < np.bincount(items)[items]
    looped = random.permutation(size.items) < max(1, round(0.036 * size.items))
    level = np.where(liked, np.where(looped[items], LOOPED, LIKED), np.where(random.random(len(users)) < 0.1, 0, SKIPPED))
    level = np.where(level > 0, level + random.uniform(-0.05, 0.05, len(users)), 0)
    length = durations[items] + np.where((items % 20 == 0) & (users % 2 == 1), 1_000, 0)
    ordinary = Views(users, items, np.rint(level * length).astype(np.int64), length, _draw_times(len(users), random))

    again = random.choice(np.flatnonzero(~liked), size.duplicates, replace=False)
    parts = (ordinary, ordinary.rows(again), stories)
    views = Views(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("users", "items", "played", "durations", "times")
        )
    )
    flags = np.concatenate([liked, np.zeros(size.duplicates, bool), stories.ratios > 1])
    order = np.argsort(views.users, kind="stable")
    return views.rows(order), flags[order]


def _stories(size: Size, letters: dict[str, int], durations: Integers) -> Views:
    """Return the rows of users 0 to 5, who have a history each, and of user 6, who has a favourite; newest first.

    The favourite is watched fifty times over once.
    """
    rows = []
    for user, history in enumerate(HISTORIES):
        minute = 0
        for step, letter in enumerate(history.ljust(size.least, FILLER)):
            repeats = letter == history[step - 1 : step]
            minute += 0 if repeats else 1
            rows.append((user, letters[letter], minute))
    rows.extend((len(HISTORIES), letters[FAVOURITE], minute) for minute in range(size.favourite))
    users, items, minutes = np.array(rows[::-1], np.int64).T
    played = durations[items] // 2
    played[0] = OUTLIER * durations[items[0]]
    return Views(users.copy(), items.copy(), played, durations[items], _midnight(BLOCKS[0][0]) + 60_000 * minutes)


def _draw_pairs(
    size: Size,
    n: int,
    world_users: Integers,
    world_items: Integers,
    tags: dict[int, tuple[int, ...]],
    letters: dict[str, int],
    random: np.random.Generator,
) -> tuple[Integers, Integers]:
    """(n,) users and items of the ordinary rows; no user of the world has an item of the world.

    Every user has at least `size.least` rows and every item at least four.
    """
    weights = np.zeros(size.items)
    first = np.array([own[0] for own in tags.values()])
    ordinary = np.setdiff1d(np.arange(size.items), list(letters.values()))
    for tag in np.unique(first[ordinary]).tolist():
        own = ordinary[first[ordinary] == tag]
        share = COMMON[tag][0] if tag in COMMON else RARE_VIEWS / len(RARE)
        drawn = random.lognormal(0, 0.5, len(own))
        weights[own] = share * drawn / drawn.sum()
    outside = weights.copy()
    outside[world_items] = 0

    story = len(HISTORIES) + 1
    viewers = np.arange(story, size.users)
    others = np.setdiff1d(viewers, world_users)
    base = np.repeat(ordinary, 4)
    rest = n - len(base) - size.least * len(viewers)
    views = size.least + deal(rest, random.lognormal(0, 0.6, len(viewers)), random)
    users = np.repeat(viewers, views)
    inside = np.isin(users, world_users)
    items = np.empty(len(users), np.int64)
    items[inside] = draw_weighted(outside, int(inside.sum()), random)
    items[~inside] = draw_weighted(weights, int((~inside).sum()), random)
    return np.concatenate([random.choice(others, len(base)), users]), np.concatenate([base, items])


def _draw_small(
    size: Size,
    world_users: Integers,
    world_items: Integers,
    tastes: Tastes,
    durations: Integers,
    random: np.random.Generator,
) -> tuple[Views, NDArray[np.bool_]]:
    """Draw the rows by user, each user's items in a separate order, and (world_users, world_items) which cells have none."""
    cells = size.world_users * size.world_items
    missing = np.zeros(cells, bool)
    missing[random.choice(cells, size.missing, replace=False)] = True
    columns = np.argsort(random.random((size.world_users, size.world_items), dtype=np.float32), axis=1)
    order = (np.arange(size.world_users)[:, None] * size.world_items + columns).ravel()
    order = order[~missing[order]]
    users, items = world_users[order // size.world_items], world_items[order % size.world_items]
    ratios = np.minimum(np.exp(0.6 * tastes.of(users, items) - 0.33), 0.99 * MAXIMUM)
    above = random.choice(len(users), size.above, replace=False)
    ratios[above] = MAXIMUM + random.exponential(2, size.above) + 0.01
    length = durations[items]
    times = random.integers(DAY * SMALL_BLOCK[1], size=len(users)) + _midnight(SMALL_BLOCK[0])
    times[random.choice(len(users), size.untimed, replace=False)] = -1
    views = Views(users, items, np.rint(ratios * length).astype(np.int64), length, times)
    return views, missing.reshape(size.world_users, size.world_items)


def _midnight(day: str) -> int:
    """Return the time, in milliseconds since 1970, UTC, at which a day begins in China."""
    return int(np.datetime64(day, "ms").astype(np.int64)) - CHINA


def _draw_times(n: int, random: np.random.Generator) -> Integers:
    days = np.concatenate([_midnight(day) + DAY * np.arange(length) for day, length in BLOCKS])
    return random.choice(days, n) + random.integers(DAY, size=n)


def _write_matrix(path: Path, views: Views) -> None:
    """Write rows; fractions of a second have one to three digits, and dates in a file with blanks have a point."""
    blanks = bool((views.times < 0).any())

    def rows(piece: slice) -> pl.DataFrame:
        times = pl.Series(views.times[piece])
        local = pl.from_epoch(times + CHINA, time_unit="ms")
        clock = local.dt.strftime("%Y-%m-%d %H:%M:%S.%3f").str.strip_chars_end("0").str.replace(r"\.$", ".0")
        date = local.dt.strftime("%Y%m%d").cast(pl.Float64 if blanks else pl.Int64)
        seconds = pl.Series(views.times[piece] / 1_000)
        frame = pl.DataFrame(
            {
                "user_id": views.users[piece],
                "video_id": views.items[piece],
                "play_duration": views.played[piece],
                "video_duration": views.durations[piece],
                "time": clock,
                "date": date,
                "timestamp": seconds,
                "watch_ratio": views.ratios[piece],
            }
        )
        if not blanks:
            return frame
        known = pl.Series(views.times[piece] >= 0)
        timed = (pl.when(known).then(pl.col(name)).alias(name) for name in ("time", "date", "timestamp"))
        return frame.with_columns(*timed)

    write_pieces(path, len(views), rows)


def _write_tags(path: Path, tags: dict[int, tuple[int, ...]]) -> None:
    pl.DataFrame({"video_id": list(tags), "feat": [str(list(own)) for own in tags.values()]}).write_csv(path)


def _write_friends(path: Path, n_users: int, random: np.random.Generator) -> None:
    users = np.sort(random.choice(n_users, max(1, n_users * 472 // 7_176), replace=False))
    friends = [str(random.choice(n_users, random.integers(1, 4), replace=False).tolist()) for _ in users]
    pl.DataFrame({"user_id": users, "friend_list": friends}).write_csv(path)
