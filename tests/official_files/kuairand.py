"""KuaiRand-Pure: `KuaiRand-Pure/data/*.csv`.

Users click with known probabilities. The rows of the stories are in the first standard log, without clicks. The table of
videos is not in the order of their ids; some have no tag or no duration.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tests.official_files.people import draw_users
from tests.official_files.stories import FAVOURITE, FILLER, HISTORIES, LETTERS, TAGS
from tests.official_files.tables import Integers, count_tags, deal, dominant, draw_weighted, write_pieces

ROOT = "KuaiRand-Pure"
FIRST, SECOND, RANDOM = (
    "log_standard_4_08_to_4_21_pure.csv",
    "log_standard_4_22_to_5_08_pure.csv",
    "log_random_4_22_to_5_08_pure.csv",
)

COMMON = {39: (0.45, 0.25), 9: (0.3, 0.2), 3: (0.2, 0.15)}
"""Tag -> share of the standard views, of the videos."""
RARE = (*range(10, 24), *range(40, 69))
RARE_VIEWS = 0.05

FIRST_DAYS, SECOND_DAYS = ("2022-04-08", 14), ("2022-04-22", 17)
DAY, CHINA = 86_400_000, 8 * 3_600_000
CLICK_RATE = 0.22
OTHER_SIGNALS = {"is_like": 0.02, "is_follow": 0.002, "is_comment": 0.003, "is_forward": 0.001, "is_hate": 0.0005}
ENDLESS = 0.0005  # share of rows whose duration is 0
NO_DURATION = 0.02  # share of videos without a duration


@dataclass(frozen=True)
class Size:
    """The size of the files.

    Attributes:
        users, items: numbered without gaps.
        first, second, random: rows of the three logs.
        absent_users: users without a row in the first log.
        unseen_items: videos without a row in the standard logs.
        untagged: videos without a tag.
        favourite: rows of one user with one item.
        least: least number of rows of a user in the first log.
    """

    users: int
    items: int
    first: int
    second: int
    random: int
    absent_users: int
    unseen_items: int
    untagged: int
    favourite: int
    least: int


TINY = Size(60, 90, 3_000, 400, 1_500, 3, 2, 4, 30, 10)
FULL = Size(27_285, 7_583, 1_141_112, 295_497, 1_186_059, 1_075, 32, 120, 300, 10)


@dataclass(frozen=True)
class Views:
    """Rows of a log in the file's order; n rows.

    Attributes:
        users, items: (n,) raw ids.
        times: (n,) milliseconds since 1970, UTC.
        clicks: (n,) 0 or 1.
        played, durations: (n,) milliseconds.
    """

    users: Integers
    items: Integers
    times: Integers
    clicks: Integers
    played: Integers
    durations: Integers

    def __len__(self) -> int:
        return len(self.users)


@dataclass(frozen=True)
class Clicks:
    """The probabilities of clicks.

    Attributes:
        users, items, charm, mood: (users, 4), (items, 4), (items,), (users,) terms of the log-odds.
    """

    users: NDArray[np.float64]
    items: NDArray[np.float64]
    charm: NDArray[np.float64]
    mood: NDArray[np.float64]

    def probabilities(self, users: Integers, items: Integers) -> NDArray[np.float64]:
        """(n,) for pairs of raw ids."""
        odds = self.charm[items] + self.mood[users] + np.log(CLICK_RATE / (1 - CLICK_RATE)) - 0.3
        for factor in range(self.users.shape[1]):
            odds += self.users[users, factor] * self.items[items, factor]
        return np.asarray(1 / (1 + np.exp(-odds)))


@dataclass(frozen=True)
class KuaiRand:
    """The written content.

    Attributes:
        folder: the folder of the CSV files.
        size: the size of the files.
        first, second, random: the rows of the three logs.
        truth: the probabilities of clicks.
        tags: raw item id -> its tags, none for some.
        liked: number of clicks of each tag in the first log.
        dominant: the dominant tags, most clicked first.
        letters: raw item ids of the stories' letters.
        absent_users: users that the first log lacks.
        unseen_items: videos that both standard logs lack.
        lengths: raw item id -> duration in milliseconds, None where the table of videos has none.
    """

    folder: Path
    size: Size
    first: Views
    second: Views
    random: Views
    truth: Clicks
    tags: dict[int, tuple[int, ...]]
    liked: dict[int, int]
    dominant: tuple[int, ...]
    letters: dict[str, int]
    absent_users: Integers
    unseen_items: Integers
    lengths: dict[int, int | None]


def write_kuairand(root: Path, size: Size = TINY, seed: int = 0) -> KuaiRand:
    """Write `KuaiRand-Pure/data` into the folder `root`."""
    random = np.random.default_rng(seed)
    drawn = random.permutation(size.items)
    letters = dict(zip(LETTERS, drawn.tolist(), strict=False))
    ordinary = drawn[len(LETTERS) :]
    unseen, seen = np.sort(ordinary[: size.unseen_items]), ordinary[size.unseen_items :]
    tags = _draw_tags(size, letters, ordinary, random)
    durations = np.clip(np.exp(random.normal(9.8, 0.8, size.items)), 1_000, 300_000).astype(np.int64)
    truth = Clicks(
        random.normal(0, 0.5, (size.users, 4)),
        random.normal(0, 1, (size.items, 4)),
        random.normal(0, 0.5, size.items),
        random.normal(0, 0.5, size.users),
    )
    story_users = len(HISTORIES) + 1
    absent = np.sort(story_users + random.choice(size.users - story_users, size.absent_users, replace=False))
    weights = _view_weights(size, tags, seen, random)

    stories = _stories(size, letters, durations)
    users, items = _draw_standard(size, size.first - len(stories), absent, weights, random)
    first = _join(_view(users, items, FIRST_DAYS, truth, durations, random), stories)
    users, items = random.integers(size.users, size=size.second), draw_weighted(weights, size.second, random)
    second = _join(_view(users, items, SECOND_DAYS, truth, durations, random))
    users, items = _draw_random(size, random)
    exposed = _join(_view(users, items, SECOND_DAYS, truth, durations, random))
    liked = count_tags(first.items[first.clicks == 1], tags)

    folder = root / ROOT / "data"
    folder.mkdir(parents=True)
    for name, views, is_random in ((FIRST, first, 0), (SECOND, second, 0), (RANDOM, exposed, 1)):
        _write_log(folder / name, views, is_random, random)
    draw_users(size.users, random).write_csv(folder / "user_features_pure.csv")
    lengths = _write_videos(folder / "video_features_basic_pure.csv", tags, durations, random)
    return KuaiRand(
        folder,
        size,
        first,
        second,
        exposed,
        truth,
        tags,
        liked,
        dominant(liked),
        letters,
        absent,
        unseen,
        lengths,
    )


def _draw_tags(
    size: Size, letters: dict[str, int], ordinary: Integers, random: np.random.Generator
) -> dict[int, tuple[int, ...]]:
    """Draw tags: common ones as `COMMON` says, none for some videos, and one to three for the others, the first of them in
    turn.
    """
    rest = random.permutation(ordinary).tolist()
    tags: dict[int, tuple[int, ...]] = {item: tuple(RARE[place] for place in TAGS[name]) for name, item in letters.items()}
    for tag, (_, share) in COMMON.items():
        count = int(share * len(ordinary) * (1 - size.untagged / len(ordinary)))
        tags.update((item, (tag,)) for item in rest[:count])
        rest = rest[count:]
    tags.update((item, ()) for item in rest[: size.untagged])
    for place, item in enumerate(rest[size.untagged :]):
        own = tuple(RARE[(place + 3 * slot) % len(RARE)] for slot in range(1 + place % 3))
        tags[item] = (12 if own[0] == RARE[0] else own[0], *own[1:])
    return dict(sorted(tags.items()))


def _view_weights(
    size: Size, tags: dict[int, tuple[int, ...]], seen: Integers, random: np.random.Generator
) -> NDArray[np.float64]:
    """Return (items,) how often the standard logs show a video; videos without a tag count as a rare tag."""
    weights = np.zeros(size.items)
    first = np.array([own[0] if own else -1 for own in tags.values()])
    present = np.unique(first[seen])
    for tag in present.tolist():
        own = seen[first[seen] == tag]
        share = COMMON[tag][0] if tag in COMMON else RARE_VIEWS / (len(present) - len(COMMON))
        drawn = random.lognormal(0, 0.5, len(own))
        weights[own] = share * drawn / drawn.sum()
    return weights


def _draw_standard(
    size: Size, n: int, absent: Integers, weights: NDArray[np.float64], random: np.random.Generator
) -> tuple[Integers, Integers]:
    """Draw (n,) users and items of the first log's ordinary rows; every present user and every seen video has some."""
    viewers = np.setdiff1d(np.arange(len(HISTORIES) + 1, size.users), absent)
    seen = np.flatnonzero(weights)
    rest = n - len(seen) - size.least * len(viewers)
    views = size.least + deal(rest, random.lognormal(0, 0.8, len(viewers)), random)
    users = np.concatenate([random.choice(viewers, len(seen)), np.repeat(viewers, views)])
    return users, np.concatenate([seen, draw_weighted(weights, n - len(seen), random)])


def _draw_random(size: Size, random: np.random.Generator) -> tuple[Integers, Integers]:
    """Draw (random,) users and items uniformly; each user and each video has some row."""
    both = max(size.users, size.items)
    users = np.concatenate([np.arange(both) % size.users, random.integers(size.users, size=size.random - both)])
    items = np.concatenate([np.arange(both) % size.items, random.integers(size.items, size=size.random - both)])
    return users, items


def _view(
    users: Integers,
    items: Integers,
    days: tuple[str, int],
    truth: Clicks,
    durations: Integers,
    random: np.random.Generator,
) -> Views:
    n = len(users)
    clicks = (random.random(n) < truth.probabilities(users, items)).astype(np.int64)
    length = np.where(random.random(n) < ENDLESS, 0, durations[items])
    length[:1] = 0
    played = np.rint(durations[items] * np.where(clicks == 1, random.uniform(0.5, 1.5, n), random.uniform(0, 0.2, n)))
    return Views(
        users, items, _midnight(days[0]) + random.integers(DAY * days[1], size=n), clicks, played.astype(np.int64), length
    )


def _stories(size: Size, letters: dict[str, int], durations: Integers) -> Views:
    """Return the rows of users 0 to 5, who have a history each, and of user 6, who has a favourite; newest first."""
    rows = []
    for user, history in enumerate(HISTORIES):
        minute = 0
        for step, letter in enumerate(history.ljust(size.least, FILLER)):
            minute += letter != history[step - 1 : step]
            rows.append((user, letters[letter], minute))
    rows.extend((len(HISTORIES), letters[FAVOURITE], minute) for minute in range(size.favourite))
    users, items, minutes = np.array(rows[::-1], np.int64).T
    times = _midnight(FIRST_DAYS[0]) + 60_000 * minutes
    return Views(users.copy(), items.copy(), times, np.zeros_like(users), durations[items] // 4, durations[items])


def _join(*parts: Views) -> Views:
    """The rows by user and else as they come."""
    columns = [
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("users", "items", "times", "clicks", "played", "durations")
    ]
    order = np.argsort(columns[0], kind="stable")
    return Views(*(column[order] for column in columns))


def _midnight(day: str) -> int:
    """Return the time, in milliseconds since 1970, UTC, at which a day begins in China."""
    return int(np.datetime64(day, "ms").astype(np.int64)) - CHINA


def _write_log(path: Path, views: Views, is_random: int, random: np.random.Generator) -> None:
    n = len(views)
    signals = {name: (random.random(n) < share).astype(np.int8) for name, share in OTHER_SIGNALS.items()}
    tab = random.integers(15, size=n)

    def rows(piece: slice) -> pl.DataFrame:
        local = pl.from_epoch(pl.Series(views.times[piece] + CHINA), time_unit="ms")
        none = np.zeros(len(local), np.int8)
        return pl.DataFrame(
            {
                "user_id": views.users[piece],
                "video_id": views.items[piece],
                "date": local.dt.strftime("%Y%m%d"),
                "hourmin": local.dt.hour().cast(pl.Int64) * 100,
                "time_ms": views.times[piece],
                "is_click": views.clicks[piece],
                **{name: column[piece] for name, column in signals.items()},
                "long_view": (views.played[piece] > 0.7 * views.durations[piece]).astype(np.int8),
                "play_time_ms": views.played[piece],
                "duration_ms": views.durations[piece],
                "profile_stay_time": none,
                "comment_stay_time": none,
                "is_profile_enter": none,
                "is_rand": none + is_random,
                "tab": tab[piece],
            }
        )

    write_pieces(path, n, rows)


def _write_videos(
    path: Path, tags: dict[int, tuple[int, ...]], durations: Integers, random: np.random.Generator
) -> dict[int, int | None]:
    """Write the twelve columns, highest id first; return the column `video_duration`."""
    n = len(durations)
    blank = random.random(n) < NO_DURATION
    blank[0] = True
    lengths = {item: None if blank[item] else int(durations[item]) for item in range(n)}
    frame = pl.DataFrame(
        {
            "video_id": np.arange(n),
            "author_id": random.integers(n, size=n),
            "video_type": ["AD" if place % 50 == 49 else "NORMAL" for place in range(n)],
            "upload_dt": [f"2022-04-{1 + place % 28:02}" for place in range(n)],
            "upload_type": [("LongImport", "ShortImport", "Web")[place % 3] for place in range(n)],
            "visible_status": np.ones(n, np.int8),
            "video_duration": pl.Series(list(lengths.values()), dtype=pl.Float64),
            "server_width": np.full(n, 720),
            "server_height": np.full(n, 1280),
            "music_id": random.integers(10**18, size=n),
            "music_type": random.choice([4.0, 9.0], n),
            "tag": [",".join(map(str, tags[item])) or None for item in range(n)],
        }
    )
    frame.reverse().write_csv(path)
    return lengths
