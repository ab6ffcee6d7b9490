"""KuaiRec 2.0 (Gao et al., CIKM 2022, https://kuairec.com): watch ratios of 7,176 users for 10,728 videos.

The log is the big matrix. The test world is the small matrix, in which 1,411 users have seen all but 0.4% of 3,327 videos.
It pays watch ratios clipped at 5, as in the published protocol.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.origin.cache import Cache
from darlr.data.origin.official import Official, locate
from darlr.data.parsing.columns import Column, line_of, read_columns
from darlr.data.parsing.tables import read_table
from darlr.data.parsing.tags import as_json_list, read_tags
from darlr.data.readers.kuai import LEAVE, USER_CODES, USER_NUMBERS, by_id, positions, require_known, user_features
from darlr.data.readers.normalisation import ItemMoments
from darlr.data.repeats import without_repeats
from darlr.data.settings import DataConfig
from darlr.data.source import LoadedDataset, Source, TableOne
from darlr.data.truth import Truth
from darlr.errors import InputError
from darlr.world.world import World

BIG, SMALL, CATEGORIES, USERS = "big_matrix.csv", "small_matrix.csv", "item_categories.csv", "user_features.csv"
VERSION = 3  # version of the cached form and of the checks
SLOTS = 4
HIGHEST_RATIO = 5.0
HIGHEST_SCORE = 10.0
LIKED_SCORE = 0.6  # least z-score of a watch ratio within its video of a liked row (protocol section 3)
NOT_2 = "; are these the ids of KuaiRec 1.0? Version 2.0 is expected"

COLUMNS = {
    "user_id": Column(pl.Int32, low=0),
    "video_id": Column(pl.Int32, low=0),
    "video_duration": Column(pl.Int32, low=1),
    "timestamp": Column(pl.Float64, may_be_blank=True),
    "watch_ratio": Column(pl.Float64, low=0),
}

OFFICIAL = Official(
    archive="KuaiRec.zip",
    page="https://zenodo.org/records/18164998",
    licence="CC BY-SA 4.0",
    members=(BIG, SMALL, CATEGORIES, USERS),
    root="KuaiRec 2.0/data",
    url="https://zenodo.org/records/18164998/files/KuaiRec.zip",
    size=431_964_858,
    md5="261550d472c48eff4990fb13c0e5bcf7",
    citation="Gao et al., KuaiRec: A Fully-observed Dataset and Insights for Evaluating Recommender Systems, CIKM 2022",
)

PUBLISHED = {
    f"{BIG}: rows": 12_530_806,
    f"{SMALL}: rows": 4_676_570,
    f"{SMALL}: users": 1_411,
    f"{SMALL}: videos": 3_327,
    f"{SMALL}: cells without a row": 17_827,
    f"{SMALL}: rows without a time": 181_992,
    f"{SMALL}: rows with a watch ratio above {HIGHEST_RATIO:g}": 22_790,
    f"{CATEGORIES}: videos": 10_728,
    f"{CATEGORIES}: tags": 31,
    f"{USERS}: users": 7_176,
}


def read_kuairec(folder: Path, config: DataConfig, cache: Cache, official: Official = OFFICIAL) -> LoadedDataset:
    """Read KuaiRec from its archive or its unpacked files.

    The log's rewards are watch ratios clipped at 5. With `data.reward` "normalised" they are each video's z-scores of the
    unclipped ratios, clipped above at 10. In both cases a row is liked from a z-score of 0.6 on, and the test world pays
    watch ratios in 0..5. Items have up to four categories, and their rows' mean duration as a feature. Raw ids are the
    files' own.

    Raises:
        InputError: naming the file and line that is missing or not as published.
        RunError: if the cache cannot be written.
    """
    paths = locate(official, folder, cache)
    parsed, hashes = cache.parsed("kuairec", VERSION, paths, _parse)
    items, users = pl.read_parquet(parsed / "items.parquet"), pl.read_parquet(parsed / "users.parquet")
    counts = pl.read_parquet(parsed / "counts.parquet")
    log = _log(pl.read_parquet(parsed / "big.parquet"), items, config, len(users))
    world = World(np.load(parsed / "world_users.npy"), np.load(parsed / "world_items.npy"))
    paid = (0.0, HIGHEST_RATIO)
    cells = np.load(parsed / "truth.npy")
    known = ~np.isnan(cells)
    dataset = Dataset(
        name="kuairec",
        log=log,
        items=_catalog(items, config),
        user_features=user_features(users) if config.features == "all" else Features.none(len(users)),
        world=world,
        leave=LEAVE,
        hashes=hashes,
        paid=paid,
    )
    truth = Truth(world, np.where(known, cells, np.float32(0)), known=known if config.missing_truth == "masked" else None)
    return LoadedDataset(dataset, truth, dict(counts.iter_rows()), test_rows=int(known.sum()))


def _log(big: pl.DataFrame, items: pl.DataFrame, config: DataConfig, n_users: int) -> InteractionLog:
    moments = _moments(items, "ratio", config)
    columns = {name: big[name].to_numpy() for name in ("user", "item")}
    scores = moments.z_scores(columns["item"], big["ratio"].to_numpy(), HIGHEST_SCORE)
    rewards = scores if config.reward == "normalised" else big["ratio"].clip(upper_bound=HIGHEST_RATIO).to_numpy()
    low, high = (float(scores.min()), HIGHEST_SCORE) if config.reward == "normalised" else (0.0, HIGHEST_RATIO)
    log = InteractionLog(
        users=columns["user"],
        items=columns["item"],
        rewards=rewards.astype(np.float32),
        times=big["time"].to_numpy(),
        user_ids=np.arange(n_users, dtype=np.int64),
        item_ids=np.arange(len(items), dtype=np.int64),
        reward_range=(low, high),
        likes=scores >= LIKED_SCORE,
    )
    return without_repeats(log, config.repeats)


def _moments(items: pl.DataFrame, value: str, config: DataConfig) -> ItemMoments:
    """Return the moments of the rows that `data.normalisation` names."""
    big, small = (
        ItemMoments(*(items[f"{matrix}_{value}_{part}"].to_numpy() for part in ("rows", "means", "squares")))
        for matrix in ("big", "small")
    )
    return big.merged(small) if config.normalisation == "all" else big


def _catalog(items: pl.DataFrame, config: DataConfig) -> ItemCatalog:
    duration = _moments(items, "duration", config).standardised_means()
    names = items["category_names"].drop_nulls().to_list()
    features = Features((), np.zeros((len(items), 0), np.int32), (), ("duration",), duration[:, None])
    return ItemCatalog(items.select(f"category_{slot}" for slot in range(SLOTS)).to_numpy(), tuple(names), features)


def _parse(paths: Mapping[str, Path], target: Path) -> None:
    """Read and validate the files, and write the files that `read_kuairec` opens."""
    users_table = read_table(paths[USERS], ("user_id", *USER_CODES, *USER_NUMBERS))
    users = by_id(users_table, "user_id", USER_CODES, USER_NUMBERS)
    tags_table = read_table(paths[CATEGORIES], ("video_id", "feat"))
    videos = positions(tags_table, "video_id", NOT_2)
    categories, names = read_tags(tags_table, "feat", videos, SLOTS, 1, as_json_list)

    big, small = (_Matrix.read(paths[name], len(users), len(videos)) for name in (BIG, SMALL))
    _require_roles(big, small)
    if big.frame["timestamp"].null_count():
        row = int(np.argmax(big.frame["timestamp"].is_null().to_numpy()))
        raise InputError(
            f"{big.path}: line {line_of(big.path, row)}, column 'timestamp' is blank; expected seconds "
            f"(only {SMALL} has blanks)"
        )
    world_users, world_items = np.unique(small.users).astype(np.int64), np.unique(small.items).astype(np.int64)
    cells = _cells(big, small, world_users, world_items)
    columns = {
        f"{label}_{value}_{part}": getattr(moments, part)
        for label, matrix in (("big", big), ("small", small))
        for value, source in (("ratio", "watch_ratio"), ("duration", "video_duration"))
        for moments in [ItemMoments.of(matrix.items, matrix.frame[source].to_numpy().astype(np.float64), len(videos))]
        for part in ("rows", "means", "squares")
    }
    slots = {f"category_{slot}": categories[:, slot] for slot in range(SLOTS)}
    padded = [*names, *[None] * (len(videos) - len(names))]
    pl.DataFrame({**columns, **slots, "category_names": padded}).write_parquet(target / "items.parquet")
    users.write_parquet(target / "users.parquet")
    counts = {
        f"{BIG}: rows": len(big.frame),
        f"{SMALL}: rows": len(small.frame),
        f"{SMALL}: users": len(world_users),
        f"{SMALL}: videos": len(world_items),
        f"{SMALL}: cells without a row": int(np.isnan(cells).sum()),
        f"{SMALL}: rows without a time": small.frame["timestamp"].null_count(),
        f"{SMALL}: rows with a watch ratio above {HIGHEST_RATIO:g}": int((small.frame["watch_ratio"] > HIGHEST_RATIO).sum()),
        f"{CATEGORIES}: videos": len(videos),
        f"{CATEGORIES}: tags": len(names),
        f"{USERS}: users": len(users),
    }
    pl.DataFrame({"label": list(counts), "count": list(counts.values())}).write_parquet(target / "counts.parquet")
    for name, array in (("world_users", world_users), ("world_items", world_items), ("truth", cells)):
        np.save(target / f"{name}.npy", array)
    big.frame.select(user="user_id", item="video_id", ratio="watch_ratio", time="timestamp").write_parquet(
        target / "big.parquet", compression="uncompressed", statistics=False
    )


@dataclass(frozen=True)
class _Matrix:
    """One of the two interaction files, and its columns of ids."""

    path: Path
    frame: pl.DataFrame

    @classmethod
    def read(cls, path: Path, n_users: int, n_videos: int) -> "_Matrix":
        frame = read_columns(path, COLUMNS, {"video_id": NOT_2})
        matrix = cls(path, frame)
        require_known(path, "user_id", matrix.users, n_users, USERS)
        require_known(path, "video_id", matrix.items, n_videos, CATEGORIES, NOT_2)
        return matrix

    @property
    def users(self) -> NDArray[np.int32]:
        return self.frame["user_id"].to_numpy()

    @property
    def items(self) -> NDArray[np.int32]:
        return self.frame["video_id"].to_numpy()


def _require_roles(big: _Matrix, small: _Matrix) -> None:
    """Check that the big matrix has every user and video of the small one, and more of them."""
    for column in ("user_id", "video_id"):
        in_big, in_small = (np.unique(matrix.frame[column].to_numpy()) for matrix in (big, small))
        if len(in_big) < len(in_small):
            raise InputError(
                f"{big.path}: {len(in_big):,} values of '{column}', but {len(in_small):,} in {small.path.name}; expected more: "
                "are the two files swapped?"
            )
        strange = ~np.isin(small.frame[column].to_numpy(), in_big)
        if strange.any():
            row = int(np.argmax(strange))
            raise InputError(
                f"{small.path}: line {line_of(small.path, row)}, column '{column}' holds {small.frame[column][row]}, which "
                f"{big.path.name} does not have; expected the small matrix' users and videos in the big one: is that cut short?"
            )


def _cells(big: _Matrix, small: _Matrix, world_users: NDArray[np.int64], world_items: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return (n_users, n_items) of the test world: watch ratios clipped at 5, NaN where the small matrix has no row.

    Raises:
        InputError: if a pair occurs twice in the small matrix, or in both.
    """
    shape = (len(world_users), len(world_items))
    place = _positions_in(world_users, small.users), _positions_in(world_items, small.items)
    flat = np.ravel_multi_index(place, shape)
    counts = np.bincount(flat, minlength=shape[0] * shape[1])
    if counts.max() > 1:
        first, second = np.flatnonzero(flat == np.argmax(counts > 1))[:2]
        pair = f"user {small.users[second]}, video {small.items[second]}"
        raise InputError(
            f"{small.path}: line {line_of(small.path, second)} repeats {pair} of line {line_of(small.path, first)}; "
            "expected each pair once"
        )
    users, items = _positions_in(world_users, big.users), _positions_in(world_items, big.items)
    inside = np.flatnonzero((users >= 0) & (items >= 0))
    shared = counts[np.ravel_multi_index((users[inside], items[inside]), shape)] > 0
    if shared.any():
        row = int(inside[np.argmax(shared)])
        raise InputError(
            f"{big.path}: line {line_of(big.path, row)} has user {big.users[row]}, video {big.items[row]}, which "
            f"{small.path.name} has, too ({shared.sum():,} such rows); expected the log and the test world to share no pair"
        )
    cells = np.full(shape, np.nan, np.float32)
    cells.reshape(-1)[flat] = np.minimum(small.frame["watch_ratio"].to_numpy(), HIGHEST_RATIO)
    return cells


def _positions_in(axis: NDArray[np.int64], ids: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return (n,) the position of each id on an axis, -1 for an id that it lacks."""
    slots = np.full(max(int(axis.max()), int(ids.max())) + 1, -1)
    slots[axis] = np.arange(len(axis))
    return slots[ids]


SOURCE = Source(
    name="kuairec",
    description="watch ratios of 7,176 users for 10,728 short videos; tested on 1,411 users' nearly full matrix",
    folder="kuairec",
    official=(OFFICIAL,),
    read=lambda config, folder, cache: read_kuairec(folder, config.data, cache),
    options=("reward", "normalisation", "repeats", "missing_truth", "features"),
    published=PUBLISHED,
    table_one=TableOne(7_176, 10_728, 16.277, 1_411, 3_327, 99.620),
)
