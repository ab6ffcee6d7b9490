"""The writer of a generated world as a folder in the folder format, block by block. Memory grows with users and items, not
with rows.

The truth is written as factors of all users and items. The test world is a part of them, so that a table of its truth fits
into the memory.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray

from darlr._version import __version__
from darlr.artifacts.files import PARTIAL_SUFFIX, publish, reason, replacing, write_bytes
from darlr.data.catalog import Features
from darlr.data.readers.folder_settings import SETTINGS
from darlr.data.synthetic.feedback import MAXIMUM, WATCHED, draw_times, expected_factors, given
from darlr.data.synthetic.latent import category_names, draw_item_features, draw_latent, draw_user_features
from darlr.data.synthetic.power_law import Alias, quotas, shares
from darlr.data.synthetic.settings import WorldSettings
from darlr.data.synthetic.showing import Showing
from darlr.errors import InputError, RunError
from darlr.memory import Need, require_fits
from darlr.reading import present
from darlr.seeding import numpy_generator

PART_ROWS = 4_000_000
GROUP_ROWS = 1_000_000  # rows of a group in a Parquet file, which are read at once
SAMPLE = 1_000_000  # pairs that give the truth's mean and spread
DECIMALS = 3  # of rewards
BYTES_OF_ROW, BYTES_OF_USER, BYTES_OF_ITEM = 16, 80, 120  # bytes on disk, rather too many
BYTES_BEHIND = 400.0  # bytes in memory of a user or an item
INTERACTIONS, RANDOMISED = "interactions", "randomised.parquet"


def write_world(settings: WorldSettings, folder: Path, advance: Callable[[int], None] = lambda rows: None) -> None:
    """Write the world of `settings` to `folder`; the same settings give the same bytes, with the same versions and machine.

    The folder gets its name when it is complete. Until then it is `NAME.partial`, has no `dataset.yaml`, and is deleted if
    writing fails.

    Args:
        settings: size and laws of the world.
        folder: the new folder.
        advance: is called with the number of rows written since the last call.

    Raises:
        InputError: if the folder exists or has no valid name, and if the world does not fit into the memory or onto the disk.
        RunError: if it cannot be written.
    """
    partial = folder.with_name(folder.name + PARTIAL_SUFFIX) if folder.name else folder
    if not folder.name or present(folder):
        raise InputError(f"{folder}: is there already; expected the name of a new folder")
    _require_room(settings, folder)
    require_fits(
        [
            Need(BYTES_BEHIND * settings.users, f"--users is {settings.users:,}", "what lies behind them"),
            Need(BYTES_BEHIND * settings.items, f"--items is {settings.items:,}", "what lies behind them"),
        ]
    )
    try:
        partial.mkdir(parents=True)
    except FileExistsError as error:
        raise InputError(f"{partial}: is left from a world that was not finished; delete it first") from error
    except OSError as error:
        raise RunError(f"{partial}: cannot be made ({reason(partial, error)})") from error
    try:
        _World(settings).write(partial, folder.name, advance)
        publish(partial, folder)
    except OSError as error:
        raise RunError(f"{folder}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _require_room(settings: WorldSettings, folder: Path) -> None:
    """Raise `InputError` if the disk has less room than the world will need."""
    nearest = next(parent for parent in folder.absolute().parents if parent.is_dir())
    rows = settings.rows + settings.randomised
    needed = BYTES_OF_ROW * rows + BYTES_OF_USER * settings.users + BYTES_OF_ITEM * settings.items
    free = shutil.disk_usage(nearest).free
    if needed > free:
        raise InputError(
            f"--rows is {settings.rows:,}, which takes about {needed / 2**30:,.1f} GiB; expected at most the "
            f"{free / 2**30:,.1f} GiB that are free in {nearest}"
        )


class _World:
    """A world that is being written."""

    def __init__(self, settings: WorldSettings) -> None:
        self._settings = settings
        self.latent = draw_latent(settings.users, settings.items, self._random("latent"))
        sample = self._random("sample")
        self.truth = expected_factors(self.latent, SAMPLE, sample)
        pairs = (sample.integers(size, size=SAMPLE) for size in (settings.users, settings.items))
        deviation = float(self.truth.cells(*pairs).std(dtype=np.float64))
        popular = settings.selection in ("shown", "popularity")
        ranks = np.argsort(np.argsort(-self.latent.popularity, kind="stable"), kind="stable") + 1
        self._showing = Showing(
            self.latent,
            self.truth,
            Alias.of(shares(ranks, settings.item_skew if popular else 0.0)),
            by_taste=settings.strength if settings.selection == "shown" else 0.0,
            by_truth=settings.strength / deviation if settings.selection == "free" else 0.0,
        )
        activity = shares(self._random("activity").permutation(settings.users) + 1, settings.user_skew)
        self._seen = quotas(activity, settings.rows, settings.most_rows)

    def _random(self, *names: str) -> np.random.Generator:
        return numpy_generator(self._settings.seed, "generate", *names)

    def write(self, folder: Path, name: str, advance: Callable[[int], None]) -> None:
        """Write all files, `dataset.yaml` last."""
        for part, (first, last) in enumerate(_blocks(self._seen)):
            _write(self._rows(first, last, self._random("log", str(part))), folder / INTERACTIONS / f"part-{part:05}.parquet")
            advance(int(self._seen[first:last].sum()))
        features = self._random("features")
        items = _feature_columns(draw_item_features(self.latent, features))
        users = _feature_columns(draw_user_features(self.latent, features))
        names = np.array([*category_names(self._settings.items), ""], dtype=object)
        categories = pl.DataFrame({f"slot_{slot}": names[column] for slot, column in enumerate(self.latent.categories.T)})
        joined = categories.select(pl.concat_str(pl.all().replace("", None), separator="|", ignore_nulls=True)).to_series()
        _write(_table("item_id", self._settings.items, {"categories": joined} | items), folder / "items.parquet")
        _write(_table("user_id", self._settings.users, users), folder / "users.parquet")
        if self._settings.randomised:
            _write(self._randomised(), folder / RANDOMISED)
        self._write_truth(folder)
        text = yaml.safe_dump(_description(self._settings, name), sort_keys=False, width=120)
        write_bytes(folder / SETTINGS, text.encode())

    def _rows(self, first: int, last: int, random: np.random.Generator) -> pl.DataFrame:
        """Return the log's rows of the users in first..last-1, each user's oldest first."""
        wanted = np.repeat(np.arange(first, last, dtype=np.int32), self._seen[first:last])
        users, items = self._showing.draw(wanted, random)
        rewards = given(self.truth.cells(users, items), random)
        main = self.latent.categories[items, 0]
        times = draw_times(last - first, int(self.latent.categories.max()) + 1, users - first, main, random).astype(np.int64)
        order = np.argsort((users.astype(np.int64) << 33) | times, kind="stable")
        return _ratings(users[order], items[order], rewards[order], times[order])

    def _randomised(self) -> pl.DataFrame:
        random = self._random("randomised")
        users, items = (
            random.integers(size, size=self._settings.randomised) for size in (self._settings.users, self._settings.items)
        )
        return _ratings(users, items, given(self.truth.cells(users, items), random))

    def _write_truth(self, folder: Path) -> None:
        """Write the factors, and the users and items of the test world, drawn at random, in rising order."""
        random = self._random("test world")
        for key, factors, tested in (
            ("user", self.truth.users, self._settings.tested_users),
            ("item", self.truth.items, self._settings.tested_items),
        ):
            columns = {f"factor_{number}": pl.Series(column) for number, column in enumerate(factors.T, start=1)}
            _write(_table(f"{key}_id", len(factors), columns), folder / f"truth_{key}_factors.parquet")
            chosen = np.sort(random.choice(len(factors), tested, replace=False))
            _write(pl.DataFrame({f"{key}_id": chosen}), folder / f"truth_{key}s.parquet")


def _blocks(seen: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield the users (first, last + 1) of each part, which together have about `PART_ROWS` rows."""
    ends = np.cumsum(seen)
    first = 0
    while first < len(seen):
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + PART_ROWS, side="right")))
        yield first, last
        first = last


def _ratings(
    users: NDArray[np.integer],
    items: NDArray[np.integer],
    rewards: NDArray[np.float32],
    times: NDArray[np.int64] | None = None,
) -> pl.DataFrame:
    rounded = np.round(rewards, DECIMALS)
    frame = pl.DataFrame({"user_id": users.astype(np.int64), "item_id": items.astype(np.int64), "reward": rounded})
    return frame if times is None else frame.with_columns(timestamp=times)


def _feature_columns(features: Features) -> dict[str, pl.Series]:
    coded = {name: pl.Series(column) for name, column in zip(features.code_names, features.codes.T, strict=True)}
    numeric = {name: pl.Series(column) for name, column in zip(features.numeric_names, features.numeric.T, strict=True)}
    return coded | numeric


def _table(key: str, entities: int, columns: dict[str, pl.Series]) -> pl.DataFrame:
    return pl.DataFrame({key: np.arange(entities)} | columns)


def _write(frame: pl.DataFrame, path: Path) -> None:
    with replacing(path) as file:
        frame.write_parquet(file, compression="zstd", row_group_size=GROUP_ROWS)


def _description(settings: WorldSettings, name: str) -> dict[str, object]:
    """Return the contents of `dataset.yaml`."""
    options = {
        "users": settings.users,
        "items": settings.items,
        "rows": settings.rows,
        "user-skew": settings.user_skew,
        "item-skew": settings.item_skew,
        "selection": settings.selection,
        "selection-strength": settings.selection_strength,
        "test-users": settings.tested_users,
        "test-items": settings.tested_items,
        "randomised": settings.randomised,
        "seed": settings.seed,
    }
    given_options = " ".join(f"--{key} {value}" for key, value in options.items() if value is not None)
    randomised = {"randomised": RANDOMISED} if settings.randomised else {}
    return {
        "name": name,
        "licence": "none needed",
        "source": f"darlr {__version__} generate {given_options}",
        "files": {
            "interactions": INTERACTIONS,
            "items": "items.parquet",
            "users": "users.parquet",
            **randomised,
            "truth_user_factors": "truth_user_factors.parquet",
            "truth_item_factors": "truth_item_factors.parquet",
            "truth_users": "truth_users.parquet",
            "truth_items": "truth_items.parquet",
        },
        "reward": {"feedback": "ratings", "minimum": 0.0, "maximum": MAXIMUM, "positive_threshold": WATCHED},
        "truth": {"link": "log"},
        "leave": {"by": "category", "window": 4, "max_steps": 30},
        "features": {"coded": ["active_degree", "follow_range", "fans_range", "video_type", "music_type"]},
    }
