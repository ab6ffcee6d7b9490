"""KuaiRand-Pure (Gao et al., CIKM 2022, https://kuairand.com): clicks of 27,285 users on 7,583 videos.

The log consists of the platform's own recommendations (the standard logs). Users were also shown random videos; the test
world, all users' clicks on all videos, is completed from those.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.catalog import Features, ItemCatalog
from darlr.data.completion.completing import Exposed
from darlr.data.completion.settings import CompletionConfig
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.origin.cache import Cache
from darlr.data.origin.official import Official, locate
from darlr.data.parsing.columns import Column, read_columns
from darlr.data.parsing.features import features_from
from darlr.data.parsing.tables import read_table
from darlr.data.parsing.tags import as_joined, read_tags
from darlr.data.readers.kuai import LEAVE, USER_CODES, USER_NUMBERS, by_id, positions, require_known, user_features
from darlr.data.readers.normalisation import ItemMoments
from darlr.data.repeats import without_repeats
from darlr.data.settings import DataConfig
from darlr.data.signals import weighted_sum, weights_of
from darlr.data.source import LoadedDataset, Source, TableOne
from darlr.errors import InputError, unknown
from darlr.world.world import World

FIRST, SECOND = "log_standard_4_08_to_4_21_pure.csv", "log_standard_4_22_to_5_08_pure.csv"
RANDOM = "log_random_4_22_to_5_08_pure.csv"
USERS, VIDEOS = "user_features_pure.csv", "video_features_basic_pure.csv"
LOGS = (FIRST, SECOND, RANDOM)
VERSION = 4  # version of the cached form and of the checks
SLOTS = 3
CLICK = "is_click"
SIGNALS = (CLICK, "is_like", "is_follow", "is_comment", "is_forward", "is_hate", "long_view", "is_profile_enter")
VIDEO_CODES = ("author_id", "video_type", "upload_type", "visible_status", "music_type")
VIDEO_NUMBERS = ("video_duration", "server_width", "server_height")

OFFICIAL = Official(
    archive="KuaiRand-Pure.tar.gz",
    page="https://zenodo.org/records/10439422",
    licence="CC BY-SA 4.0",
    members=(*LOGS, USERS, VIDEOS),
    root="KuaiRand-Pure/data",
    url="https://zenodo.org/records/10439422/files/KuaiRand-Pure.tar.gz",
    md5="0820331067a3784d9691136f772b35a7",
    citation="Gao et al., KuaiRand: An Unbiased Sequential Recommendation Dataset with Randomly Exposed Videos, CIKM 2022",
)

PUBLISHED = {
    f"{FIRST}: rows": 1_141_112,
    f"{FIRST}: users": 26_210,
    f"{SECOND}: rows": 295_497,
    "standard logs: videos": 7_551,
    f"{RANDOM}: rows": 1_186_059,
    f"{USERS}: users": 27_285,
    f"{VIDEOS}: videos": 7_583,
}


def read_kuairand(folder: Path, config: DataConfig, cache: Cache, official: Official = OFFICIAL) -> LoadedDataset:
    """Read KuaiRand-Pure from its archive or its unpacked files.

    Rewards are `is_click`, 0 or 1, or the weighted sum of `data.signals`, over the full id space. 1,075 users and some videos
    have no row in the first log. Items have up to three categories, and their rows' mean duration as a feature. Items without
    a category count as alike in the leave rule.

    Raises:
        InputError: naming the file and line that is missing or not as published.
        RunError: if the cache cannot be written.
    """
    paths = locate(official, folder, cache)
    parsed, hashes = cache.parsed("kuairand", VERSION, paths, _parse)
    users, videos = pl.read_parquet(parsed / "users.parquet"), pl.read_parquet(parsed / "videos.parquet")
    names = (FIRST, SECOND) if config.logs == "both" else (FIRST,)
    rows = pl.concat([pl.read_parquet(parsed / f"{name}.parquet") for name in names])
    drawn = pl.read_parquet(parsed / f"{RANDOM}.parquet")
    weights = _weights(config)
    rewards = _rewards(rows, weights)
    log = InteractionLog(
        users=rows["user_id"].to_numpy(),
        items=rows["video_id"].to_numpy(),
        rewards=rewards.astype(np.float32),
        times=rows["time_ms"].to_numpy() / 1000,
        user_ids=np.arange(len(users), dtype=np.int64),
        item_ids=np.arange(len(videos), dtype=np.int64),
        reward_range=(0.0, 1.0),
        positive_threshold=1.0,
        likes=rewards > -_least(weights) / sum(map(abs, weights.values())) if weights else None,
        signals={name: rows[name].to_numpy().astype(np.float32) for name in weights},
    )
    if config.repeats != "keep":
        log = without_repeats(replace(log, likes=log.liked), config.repeats)  # one click makes a pair liked, whatever the mean
    dataset = Dataset(
        name="kuairand",
        log=log,
        items=_catalog(parsed, videos, pl.concat([rows, drawn]) if config.normalisation == "all" else rows, config),
        user_features=user_features(users) if config.features == "all" else Features.none(len(users)),
        world=World(np.arange(len(users), dtype=np.int64), np.arange(len(videos), dtype=np.int64)),
        leave=LEAVE,
        hashes=hashes,
        paid=(0.0, 1.0),
    )
    counts = dict(pl.read_parquet(parsed / "counts.parquet").iter_rows())
    exposed = Exposed(
        users=drawn["user_id"].to_numpy(),
        items=drawn["video_id"].to_numpy(),
        rewards=_rewards(drawn, weights),
        n_users=len(users),
        n_items=len(videos),
        inputs={
            RANDOM: hashes[RANDOM],
            USERS: hashes[USERS],
            VIDEOS: hashes[VIDEOS],
            **({"signals": json.dumps(weights, sort_keys=True)} if weights else {}),
        },
    )
    return LoadedDataset(dataset, None, counts, len(drawn), exposed)


def _weights(config: DataConfig) -> dict[str, float]:
    """Return signal -> weight; empty if the reward is `is_click`.

    Raises:
        InputError: for a signal that the logs lack, or one that is no mark of 0 or 1.
    """
    weights = weights_of(config.signals, "data.signals")
    for name in weights:
        if name not in SIGNALS:
            raise unknown("signal in config key 'data.signals':", name, SIGNALS)
    return weights


def _rewards(rows: pl.DataFrame, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Return (n,) the rewards of `rows`, from 0 to 1."""
    if not weights:
        return rows[CLICK].to_numpy().astype(np.float64)
    sums = weighted_sum({name: rows[name].to_numpy().astype(np.float32) for name in weights}, weights)
    return np.asarray((sums - _least(weights)) / sum(map(abs, weights.values())), np.float64)


def _least(weights: Mapping[str, float]) -> float:
    """Return the smallest weighted sum of marks that is possible."""
    return sum(min(weight, 0.0) for weight in weights.values())


def _catalog(parsed: Path, videos: pl.DataFrame, rows: pl.DataFrame, config: DataConfig) -> ItemCatalog:
    durations = rows["duration_ms"].to_numpy().astype(np.float64)
    duration = ItemMoments.of(rows["video_id"].to_numpy(), durations, len(videos)).standardised_means()[:, None]
    chosen = videos if config.features == "all" else videos.select()
    features = features_from(chosen, coded=VIDEO_CODES) if chosen.width else Features.none(len(videos))
    features = Features(
        features.code_names,
        features.codes,
        features.code_sizes,
        ("duration", *features.numeric_names),
        np.concatenate([duration, features.numeric], axis=1),
    )
    names = pl.read_parquet(parsed / "tags.parquet")["tag"].to_list()
    return ItemCatalog(np.load(parsed / "categories.npy"), tuple(names), features, untagged_alike=True)


def _parse(paths: Mapping[str, Path], target: Path) -> None:
    """Read and validate the files, and write the files that `read_kuairand` opens."""
    users = by_id(read_table(paths[USERS], ("user_id", *USER_CODES, *USER_NUMBERS)), "user_id", USER_CODES, USER_NUMBERS)
    table = read_table(paths[VIDEOS], ("video_id", "tag", *VIDEO_CODES, *VIDEO_NUMBERS))
    categories, names = read_tags(table, "tag", positions(table, "video_id"), SLOTS, 0, as_joined)
    videos = by_id(table, "video_id", VIDEO_CODES, VIDEO_NUMBERS)
    logs = {name: _read_log(paths[name], int(name == RANDOM), len(users), len(videos)) for name in LOGS}
    if logs[FIRST]["time_ms"].min() > logs[SECOND]["time_ms"].min():  # type: ignore[operator]
        raise InputError(f"{paths[FIRST]}: begins later than {SECOND}; expected the earlier log: are the two swapped?")
    users.write_parquet(target / "users.parquet")
    videos.write_parquet(target / "videos.parquet")
    np.save(target / "categories.npy", categories)
    pl.DataFrame({"tag": names}, schema={"tag": pl.String}).write_parquet(target / "tags.parquet")
    for name, log in logs.items():
        log.drop("is_rand").write_parquet(target / f"{name}.parquet")
    counts = {
        **{f"{name}: rows": len(log) for name, log in logs.items()},
        f"{FIRST}: users": logs[FIRST]["user_id"].n_unique(),
        "standard logs: videos": pl.concat([logs[FIRST], logs[SECOND]])["video_id"].n_unique(),
        f"{USERS}: users": len(users),
        f"{VIDEOS}: videos": len(videos),
    }
    pl.DataFrame({"label": list(counts), "count": list(counts.values())}).write_parquet(target / "counts.parquet")


def _read_log(path: Path, is_random: int, n_users: int, n_videos: int) -> pl.DataFrame:
    columns = {
        "user_id": Column(pl.Int32, low=0),
        "video_id": Column(pl.Int32, low=0),
        "time_ms": Column(pl.Int64, low=0),
        **dict.fromkeys(SIGNALS, Column(pl.Int8, low=0, high=1)),
        "duration_ms": Column(pl.Int32, low=0),
        "is_rand": Column(pl.Int8, low=is_random, high=is_random, hint=": are the files swapped?"),
    }
    frame = read_columns(path, columns)
    require_known(path, "user_id", frame["user_id"].to_numpy(), n_users, USERS)
    require_known(path, "video_id", frame["video_id"].to_numpy(), n_videos, VIDEOS)
    return frame


SOURCE = Source(
    name="kuairand",
    description="clicks of 27,285 users on 7,583 short videos; tested on a matrix completed from randomly shown videos",
    folder="kuairand",
    official=(OFFICIAL,),
    read=lambda config, folder, cache: read_kuairand(folder, config.data, cache),
    options=("normalisation", "repeats", "logs", "features", "signals"),
    published=PUBLISHED,
    table_one=TableOne(27_285, 7_551, 0.697, 27_285, 7_583, 0.573),
    completion=CompletionConfig(
        factors=(16,),
        factor_penalties=(5.0, 6.0, 7.0, 8.0),
        bias_penalties=(2.0, 5.0),
        sweeps=20,
        minimum=0.0,
        maximum=1.0,
        whole=False,
    ),
)
