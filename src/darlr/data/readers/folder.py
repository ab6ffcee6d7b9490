"""Anyone's own data: a folder with `dataset.yaml` that names CSV or Parquet files.

interactions: user_id, item_id, reward[, timestamp]; items: item_id[, categories joined by "|"][, features ...];
users: user_id[, features ...]; truth: user_id, item_id, reward; truth_users: user_id; truth_items: item_id (without these two
the rows and columns are the ids that the truth holds). `features` says how feature columns are read.
"""

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.parsing.categories import read_categories
from darlr.data.parsing.features import features_from
from darlr.data.parsing.files import hash_files, naming
from darlr.data.parsing.tables import Table, read_table
from darlr.data.parsing.vocabulary import Vocabulary
from darlr.data.readers.folder_settings import LOG_KEYS, SETTINGS, TRUTH_KEYS, FolderSettings, read_settings
from darlr.data.repeats import without_repeats
from darlr.data.source import LoadedDataset
from darlr.data.truth import Truth
from darlr.errors import InputError
from darlr.world.world import World


def read_folder(folder: Path) -> LoadedDataset:
    """Read a folder in the folder format.

    The users are those of the users file and the log, the items likewise, ascending by raw id. The test world is the truth's
    rows and columns, or everything where there is no truth.

    Raises:
        InputError: naming the file and the line, or the key of `dataset.yaml`, at fault.
    """
    settings = read_settings(folder, LOG_KEYS)
    files = settings.files
    interactions = read_table(folder / files.interactions, ("user_id", "item_id", "reward"))
    user_table = _read_entities(folder, files.users, "user_id")
    item_table = _read_entities(folder, files.items, "item_id")
    users = _vocabulary(interactions, user_table, "user_id")
    items = _vocabulary(interactions, item_table, "item_id")
    log = _read_log(interactions, settings, users, items)
    truth = _read_truth(folder, settings, users, items, log.reward_range) if files.truth else None
    world = truth.world if truth else World(np.arange(len(users)), np.arange(len(items)))
    catalog = _catalog(item_table, items)
    user_features = _features(user_table, users, "user_id")
    with naming(folder / SETTINGS):
        dataset = Dataset(
            name=settings.name,
            log=log,
            items=catalog,
            user_features=user_features,
            world=world,
            leave=settings.leave.rule(has_categories=catalog.n_categories > 0),
            hashes=hash_files(folder, (SETTINGS, *files.given().values())),
        )
    return LoadedDataset(dataset, truth)


def read_truth_folder(folder: Path, log: InteractionLog, bounds: tuple[float, float]) -> Truth:
    """Read only the truth of a folder, for the users and items of an existing log.

    `dataset.yaml` needs no interactions here, and rewards must lie in `bounds`.

    Raises:
        InputError: as `read_folder`, and where the truth has ids that the log lacks (up to five are named).
    """
    settings = read_settings(folder, TRUTH_KEYS)
    return _read_truth(folder, settings, Vocabulary.of(log.user_ids), Vocabulary.of(log.item_ids), bounds)


def _read_entities(folder: Path, name: str, key: str) -> Table | None:
    if not name:
        return None
    table = read_table(folder / name, (key,))
    table.require_distinct(key)
    return table


def _vocabulary(interactions: Table, entities: Table | None, key: str) -> Vocabulary:
    columns = [table.ids(key) for table in (interactions, entities) if table is not None]
    return Vocabulary.union(*columns)


def _read_log(table: Table, settings: FolderSettings, users: Vocabulary, items: Vocabulary) -> InteractionLog:
    scale = settings.reward
    rows = pl.DataFrame(
        {
            "user": users.find(table.ids("user_id")),
            "item": items.find(table.ids("item_id")),
            "reward": table.numbers("reward", scale.minimum, scale.maximum),
        }
    )
    timed = "timestamp" in table.frame.columns
    if timed:
        rows = rows.with_columns(time=table.numbers("timestamp"))
    if settings.log.repeats == "error":
        hint = f" (other readings: log.repeats: last, mean or keep, in {SETTINGS})"
        table.require_distinct("user_id", "item_id", otherwise=hint)
    log = InteractionLog(
        users=rows["user"].to_numpy().astype(np.int32),
        items=rows["item"].to_numpy().astype(np.int32),
        rewards=rows["reward"].to_numpy().astype(np.float32),
        times=rows["time"].to_numpy().copy() if timed else None,
        user_ids=users.ids,
        item_ids=items.ids,
        reward_range=(scale.minimum, scale.maximum),
        positive_only=scale.feedback == "positive-only",
        positive_threshold=scale.positive_threshold,
    )
    return log if settings.log.repeats == "error" else without_repeats(log, settings.log.repeats)


def _features(table: Table | None, entities: Vocabulary, key: str) -> Features:
    """Features of all entities in their order; those that the table lacks count as blank."""
    if table is None:
        return Features.none(len(entities))
    columns = [name for name in table.frame.columns if name not in (key, "categories")]
    for name in columns:
        table.text(name)
    rows = table.frame.select(key, *columns).with_columns(table.ids(key).alias(key))
    return features_from(pl.DataFrame({key: entities.texts}).join(rows, on=key, how="left", maintain_order="left").drop(key))


def _catalog(table: Table | None, items: Vocabulary) -> ItemCatalog:
    features = _features(table, items, "item_id")
    if table is None or "categories" not in table.frame.columns:
        return ItemCatalog(np.zeros((len(items), 0), np.int32), (), features)
    codes, names = read_categories(table, items.find(table.ids("item_id")), len(items))
    return ItemCatalog(codes, names, features)


def _read_truth(
    folder: Path, settings: FolderSettings, users: Vocabulary, items: Vocabulary, bounds: tuple[float, float]
) -> Truth:
    """The dense truth over its rows and columns, both ascending in the vocabularies."""
    files = settings.files
    table = read_table(folder / files.truth, ("user_id", "item_id", "reward"))
    table.require_distinct("user_id", "item_id")
    rewards = table.numbers("reward", *bounds)
    world = World(
        users=_axis(_read_entities(folder, files.truth_users, "user_id") or table, "user_id", users),
        items=_axis(_read_entities(folder, files.truth_items, "item_id") or table, "item_id", items),
    )
    matrix = np.full((world.n_users, world.n_items), settings.truth.missing, np.float32)
    matrix[
        _cells(table, "user_id", users, world.users, files.truth_users),
        _cells(table, "item_id", items, world.items, files.truth_items),
    ] = rewards
    absent = np.isnan(matrix)
    if absent.any():
        row, column = np.argwhere(absent)[0]
        raise InputError(
            f"{table.path}: no reward for user {users.ids[world.users[row]]}, item {items.ids[world.items[column]]} "
            f"({absent.sum():,} of {absent.size:,} cells are absent); expected all, or truth.missing in {SETTINGS}"
        )
    _require_inside(settings.truth.missing, bounds, folder)
    return Truth(world, matrix)


def _axis(table: Table, key: str, entities: Vocabulary) -> NDArray[np.int64]:
    """Positions of a truth's rows or columns; every id must be known to the log, or to the file of users or items."""
    ids = table.ids(key).unique(maintain_order=True)
    positions = entities.find(ids)
    unknown = ids.filter(pl.Series(positions < 0))
    if len(unknown):
        shown = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        raise InputError(
            f"{table.path}: column '{key}' has {len(unknown)} unknown ids ({shown}); expected ids of the log or its catalogue"
        )
    return np.sort(positions)


def _cells(table: Table, key: str, entities: Vocabulary, axis: NDArray[np.int64], axis_file: str) -> NDArray[np.int64]:
    """Where on its axis every line of the truth lies."""
    slots = np.full(len(entities) + 1, -1)  # position -1, unknown, reads the spare last slot
    slots[axis] = np.arange(len(axis))
    cells = slots[entities.find(table.ids(key))]
    if (cells < 0).any():
        raise table.refuse(int(np.argmax(cells < 0)), key, f"an id of {axis_file}")
    return cells


def _require_inside(missing: float, bounds: tuple[float, float], folder: Path) -> None:
    low, high = bounds
    if missing < low or missing > high:  # neither for nan
        raise InputError(f"{folder / SETTINGS}: key 'truth.missing' is {missing:g}; expected a number in {low:g}..{high:g}")
