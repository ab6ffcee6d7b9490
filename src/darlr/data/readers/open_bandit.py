"""Open Bandit Dataset, campaign "men": impressions of a fashion shop with the probability with which each item was shown.

Two policies made a log each: a uniformly random one and Bernoulli Thompson sampling (Saito et al., 2021). A page has three
positions; an item's propensity is that at its position. Users have no ids, so impressions with the same four hashed
features count as one user's.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset
from darlr.data.exposure import Exposure
from darlr.data.log import InteractionLog, text_ids
from darlr.data.origin.cache import Cache
from darlr.data.origin.official import Official, locate
from darlr.data.parsing.features import features_from
from darlr.data.parsing.files import require_file
from darlr.data.parsing.tables import Table, read_table, table_of
from darlr.data.readers.exposure import require_propensities
from darlr.data.readers.kuai import positions
from darlr.data.source import LoadedDataset, Source
from darlr.world.settings import LeaveConfig
from darlr.world.world import World

IMPRESSIONS, ITEMS = "men.csv", "item_context.csv"
USER_FEATURES = tuple(f"user_feature_{number}" for number in range(4))
ITEM_FEATURES = tuple(f"item_feature_{number}" for number in range(4))
COLUMNS = ("timestamp", "item_id", "position", "click", "propensity_score", *USER_FEATURES)
PUBLISHED_ROWS = {"random": 452_949, "bts": 4_077_727}
PUBLISHED_ITEMS = 34

LoggingPolicy = Literal["random", "bts"]


def read_open_bandit(folder: Path, official: Official, cache: Cache, name: str) -> LoadedDataset:
    """Read one policy's log: clicks 0 or 1 as rewards, with times, propensities and positions.

    Items have hashed features alone; the last one has few values and serves as the category. The test world has all users
    and items; there is no truth.

    Raises:
        InputError: naming the file, the line and the column at fault.
    """
    paths = locate(official, folder, cache)
    rows, items = _impressions(paths[IMPRESSIONS]), read_table(paths[ITEMS], ("item_id", *ITEM_FEATURES))
    order = np.argsort(positions(items, "item_id"))
    described = items.frame.select(pl.col(ITEM_FEATURES).gather(order))
    users, user_ids, kinds = _users(rows)
    shown = rows.numbers("item_id", 0, len(items) - 1).astype(np.int32)
    log = InteractionLog(
        users=users,
        items=shown,
        rewards=rows.numbers("click", 0, 1).astype(np.float32),
        times=_seconds(rows),
        user_ids=user_ids,
        item_ids=np.arange(len(items)),
        reward_range=(0.0, 1.0),
        positive_threshold=1.0,
        exposure=Exposure(
            propensities=require_propensities(rows, "propensity_score"),
            positions=rows.numbers("position", 1).astype(np.int64),
        ),
    )
    codes = (described[ITEM_FEATURES[-1]].rank("dense").to_numpy() - 1).astype(np.int32)
    names = tuple(sorted(described[ITEM_FEATURES[-1]].unique().to_list()))
    dataset = Dataset(
        name=name,
        log=log,
        items=ItemCatalog(codes[:, None], names, features_from(described.select(ITEM_FEATURES[:-1]))),
        user_features=kinds,
        world=World(np.arange(len(user_ids)), np.arange(len(items))),
        leave=LeaveConfig(by="never", max_steps=10),
        hashes={member: cache.fingerprint(path) for member, path in paths.items()},
    )
    return LoadedDataset(dataset, None, {"men.csv: rows": len(rows), "item_context.csv: items": len(items)})


def _impressions(path: Path) -> Table:
    """Read the columns that are used, without the 34 affinities, of millions of rows."""
    try:
        frame = pl.scan_csv(require_file(path), infer_schema=False).select(COLUMNS).collect()
    except pl.exceptions.PolarsError:
        return read_table(path, COLUMNS)  # names the fault
    return table_of(path, frame, COLUMNS)


def _users(rows: Table) -> tuple[NDArray[np.int32], NDArray[np.object_], Features]:
    """Return the user of every row, and the ids and features of the users, which are the distinct features in ascending
    order.
    """
    texts = rows.frame.select(pl.col(USER_FEATURES).fill_null(""))
    kinds = texts.unique().sort(USER_FEATURES)
    numbered = kinds.with_columns(pl.int_range(pl.len(), dtype=pl.Int32).alias("user"))
    users = texts.join(numbered, on=USER_FEATURES, how="left", maintain_order="left")["user"].to_numpy()
    ids = kinds.select(pl.concat_str(USER_FEATURES, separator="|")).to_series().to_list()
    return users, text_ids(ids), features_from(kinds, coded=USER_FEATURES)


def _seconds(rows: Table) -> NDArray[np.float64]:
    times = rows.text("timestamp").str.to_datetime(time_zone="UTC", strict=False)
    unread = times.is_null()
    if unread.any():
        raise rows.refuse(int(np.argmax(unread.to_numpy())), "timestamp", "a date and time with its zone")
    return (times.dt.epoch("us") / 1e6).to_numpy().copy()


def _official(policy: LoggingPolicy) -> Official:
    return Official(
        archive="open_bandit_dataset.zip",
        page="https://research.zozo.com/data.html",
        licence="CC BY 4.0",
        members=(IMPRESSIONS, ITEMS),
        root=f"open_bandit_dataset/{policy}/men",
        instructions="from https://research.zozo.com/data.html, after accepting its terms",
        citation="Saito, Aihara, Matsutani and Narita, Open Bandit Dataset and Pipeline, NeurIPS 2021, Datasets and Benchmarks",
    )


def _source(policy: LoggingPolicy, described: str) -> Source:
    official, name = _official(policy), f"open-bandit-{policy}"
    return Source(
        name=name,
        description=f"Open Bandit's campaign 'men': clicks on items that {described} showed, with propensities; no truth",
        folder=f"open-bandit/{policy}/men",
        official=(official,),
        read=lambda config, folder, cache: read_open_bandit(folder, official, cache, name),
        published={"men.csv: rows": PUBLISHED_ROWS[policy], "item_context.csv: items": PUBLISHED_ITEMS},
    )


SOURCE_RANDOM = _source("random", "a uniformly random policy")
SOURCE_BTS = _source("bts", "Bernoulli Thompson sampling")
