"""Checked tables -> a data set: what a folder in the folder format and frames in memory have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.parsing.categories import read_categories
from darlr.data.parsing.features import features_from
from darlr.data.parsing.files import naming
from darlr.data.parsing.tables import Table
from darlr.data.parsing.vocabulary import Vocabulary
from darlr.data.readers.exposure import read_exposure
from darlr.data.readers.table_settings import TableSettings
from darlr.data.repeats import without_repeats
from darlr.data.source import LoadedDataset
from darlr.data.truth import Truth
from darlr.errors import InputError
from darlr.world.world import World

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "interactions": ("user_id", "item_id", "reward"),
    "items": ("item_id",),
    "users": ("user_id",),
    "randomised": ("user_id", "item_id", "reward"),
    "truth": ("user_id", "item_id", "reward"),
    "truth_users": ("user_id",),
    "truth_items": ("item_id",),
}
"""The tables of a data set, and the columns that each needs; an entity stands once in those with one column."""


@dataclass(frozen=True)
class TruthTables:
    """The cells of the truth, and its rows and columns where these are not the ids that it holds."""

    cells: Table
    users: Table | None = None
    items: Table | None = None


@dataclass(frozen=True)
class Tables:
    """The tables of a data set."""

    interactions: Table
    items: Table | None = None
    users: Table | None = None
    randomised: Table | None = None
    truth: TruthTables | None = None


@dataclass(frozen=True)
class Wording:
    """How messages name what was set beside the tables.

    Attributes:
        source: where it was set.
        repeats: how else a pair that stands several times can be read.
        missing: what gives absent cells of the truth a value.
    """

    source: Path | str
    repeats: str
    missing: str


def dataset_of(tables: Tables, settings: TableSettings, wording: Wording, hashes: Mapping[str, str]) -> LoadedDataset:
    """The data set that `tables` hold.

    The users are those of the users table and the log, the items likewise, ascending by raw id. The test world is the truth's
    rows and columns, or everything where there is no truth.

    Args: hashes: of everything that was read, by name.

    Raises:
        InputError: naming the table and the row, or the setting, at fault.
    """
    for table, key in ((tables.users, "user_id"), (tables.items, "item_id")):
        if table is not None:
            table.require_distinct(key)
    users = _vocabulary(tables.interactions, tables.users, "user_id")
    items = _vocabulary(tables.interactions, tables.items, "item_id")
    log = _read_log(tables.interactions, settings, users, items, wording)
    truth = None if tables.truth is None else truth_of(tables.truth, settings, users, items, log.reward_range, wording)
    world = truth.world if truth else World(np.arange(len(users)), np.arange(len(items)))
    catalog = _catalog(tables.items, items)
    user_features = _features(tables.users, users, "user_id")
    randomised = None if tables.randomised is None else _read_randomised(tables.randomised, log, users, items)
    with naming(wording.source):
        dataset = Dataset(
            name=settings.name,
            log=log,
            items=catalog,
            user_features=user_features,
            world=world,
            leave=settings.leave.rule(has_categories=catalog.n_categories > 0),
            hashes=hashes,
            randomised=randomised,
        )
    return LoadedDataset(dataset, truth)


def truth_of(
    tables: TruthTables,
    settings: TableSettings,
    users: Vocabulary,
    items: Vocabulary,
    bounds: tuple[float, float],
    wording: Wording,
) -> Truth:
    """The dense truth over its rows and columns, both ascending in the vocabularies; its rewards must lie in `bounds`.

    Raises `InputError` as `dataset_of`, and where the truth has ids that the vocabularies lack (up to five are named).
    """
    table = tables.cells
    table.require_distinct("user_id", "item_id")
    rewards = table.numbers("reward", *bounds)
    for axis, key in ((tables.users, "user_id"), (tables.items, "item_id")):
        if axis is not None:
            axis.require_distinct(key)
    world = World(
        users=_axis(tables.users or table, "user_id", users),
        items=_axis(tables.items or table, "item_id", items),
    )
    missing = settings.truth.missing
    matrix = np.full((world.n_users, world.n_items), missing, np.float32)
    matrix[
        _cells(table, "user_id", users, world.users, tables.users), _cells(table, "item_id", items, world.items, tables.items)
    ] = rewards
    absent = np.isnan(matrix)
    if absent.any():
        row, column = np.argwhere(absent)[0]
        raise InputError(
            f"{table.source}: no reward for user {users.ids[world.users[row]]}, item {items.ids[world.items[column]]} "
            f"({absent.sum():,} of {absent.size:,} cells are absent); expected all, or {wording.missing} in {_label(wording)}"
        )
    low, high = bounds
    if missing < low or missing > high:  # neither for nan
        raise InputError(f"{wording.source}: key '{wording.missing}' is {missing:g}; expected a number in {low:g}..{high:g}")
    return Truth(world, matrix)


def _label(wording: Wording) -> str:
    return wording.source.name if isinstance(wording.source, Path) else wording.source


def _vocabulary(interactions: Table, entities: Table | None, key: str) -> Vocabulary:
    columns = [table.ids(key) for table in (interactions, entities) if table is not None]
    return Vocabulary.union(*columns)


def _read_log(table: Table, settings: TableSettings, users: Vocabulary, items: Vocabulary, wording: Wording) -> InteractionLog:
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
        hint = f" (other readings: {wording.repeats}: last, mean or keep, in {_label(wording)})"
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
        exposure=read_exposure(table, settings.log.repeats),
    )
    return log if settings.log.repeats == "error" else without_repeats(log, settings.log.repeats)


def _read_randomised(table: Table, log: InteractionLog, users: Vocabulary, items: Vocabulary) -> InteractionLog:
    """Ratings of randomly shown items by users and of items that are known; a pair may stand several times."""
    positions = (_known(table, "user_id", users), _known(table, "item_id", items))
    rewards = table.numbers("reward", *log.reward_range).astype(np.float32)
    found, of = (column.astype(np.int32) for column in positions)
    return replace(log, users=found, items=of, rewards=rewards, times=None, exposure=None)


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


def _axis(table: Table, key: str, entities: Vocabulary) -> NDArray[np.int64]:
    """Positions of a truth's rows or columns."""
    return np.unique(_known(table, key, entities))


def _known(table: Table, key: str, entities: Vocabulary) -> NDArray[np.int64]:
    """Position of every row's id; each must be known to the log, or to the table of users or items."""
    ids = table.ids(key)
    positions = entities.find(ids)
    unknown = ids.filter(pl.Series(positions < 0)).unique(maintain_order=True)
    if len(unknown):
        shown = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        raise InputError(
            f"{table.source}: column '{key}' has {len(unknown)} unknown ids ({shown}); expected ids of the log or its catalogue"
        )
    return positions


def _cells(
    table: Table, key: str, entities: Vocabulary, axis: NDArray[np.int64], axis_table: Table | None
) -> NDArray[np.int64]:
    """Where on its axis every line of the truth lies."""
    slots = np.full(len(entities) + 1, -1)  # position -1, unknown, reads the spare last slot
    slots[axis] = np.arange(len(axis))
    cells = slots[entities.find(table.ids(key))]
    if axis_table is not None and (cells < 0).any():
        source = axis_table.source
        name = source.name if isinstance(source, Path) else source
        raise table.refuse(int(np.argmax(cells < 0)), key, f"an id of {name}")
    return cells
