"""From checked tables to a data set; used for folders in the folder format and for frames in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.parsing.categories import names_of, read_categories
from darlr.data.parsing.features import features_from, read_feature
from darlr.data.parsing.files import naming
from darlr.data.parsing.tables import Table
from darlr.data.parsing.vocabulary import Vocabulary
from darlr.data.plausibility import columns, ids
from darlr.data.plausibility.categories import plausible_categories
from darlr.data.plausibility.features import plausible_features
from darlr.data.plausibility.findings import Findings
from darlr.data.readers.exposure import EXPOSURE_COLUMNS, read_exposure
from darlr.data.readers.table_settings import LARGEST_REWARD, FeatureReading, RewardScale, TableSettings
from darlr.data.readers.truths import FactorTables, TruthTables, known_positions, truth_of
from darlr.data.readers.wording import Wording
from darlr.data.repeats import without_repeats
from darlr.data.signals import Signals, weighted_sum
from darlr.data.source import LoadedDataset
from darlr.data.tallies import first_repeat
from darlr.errors import InputError, unknown
from darlr.world.world import World

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "interactions": ("user_id", "item_id", "reward"),
    "items": ("item_id",),
    "users": ("user_id",),
    "randomised": ("user_id", "item_id", "reward"),
    "truth": ("user_id", "item_id", "reward"),
    "truth_user_factors": ("user_id",),
    "truth_item_factors": ("item_id",),
    "truth_users": ("user_id",),
    "truth_items": ("item_id",),
}
"""The tables of a data set, and their required columns; in tables with one required column each entity occurs once."""


def required_columns(key: str, settings: TableSettings) -> tuple[str, ...]:
    """Return the columns that a table needs; interactions with signals need these instead of a reward."""
    if key == "interactions" and settings.reward.signals:
        return ("user_id", "item_id", *settings.reward.weights)
    return COLUMNS[key]


OPTIONAL: Mapping[str, tuple[str, ...]] = {"interactions": ("timestamp", *EXPOSURE_COLUMNS), "items": ("categories",)}
"""The optional columns of tables, besides features."""


@dataclass(frozen=True)
class Tables:
    """The tables of a data set."""

    interactions: Table
    items: Table | None = None
    users: Table | None = None
    randomised: Table | None = None
    truth: TruthTables | FactorTables | None = None


def dataset_of(tables: Tables, settings: TableSettings, wording: Wording, hashes: Mapping[str, str]) -> LoadedDataset:
    """Make the data set of `tables`.

    The users are those of the users table and of the log, ascending by raw id; so are the items. The test world has the
    truth's rows and columns, or all users and items if there is no truth.

    Args:
        tables: the tables.
        settings: how they are read.
        wording: the names of settings in messages.
        hashes: of all sources, by name.

    Raises:
        InputError: naming the table and the row, or the setting, at fault.
    """
    user_ids, users, user_rows = _indexed(tables.interactions, tables.users, "user_id")
    item_ids, items, item_rows = _indexed(tables.interactions, tables.items, "item_id")
    found = [*user_ids, *item_ids, *_unread(tables, settings)]
    log = _read_log(tables.interactions, settings, (users, user_rows), (items, item_rows), wording)
    truth = None if tables.truth is None else truth_of(tables.truth, settings, users, items, log.reward_range, wording)
    world = truth.world if truth else World(np.arange(len(users)), np.arange(len(items)))
    _require_columns(settings.features, tables, wording)
    user_features, of_users = _features(tables.users, users, "user_id", settings.features)
    catalog, of_items = _catalog(tables.items, items, settings.features)
    found += [of_items, of_users]
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
    return LoadedDataset(dataset, truth, findings=Findings.together(found))


def _indexed(log: Table, entities: Table | None, key: str) -> tuple[list[Findings], Vocabulary, NDArray[np.int32]]:
    """Return all users, or items, and (n,) the position of every row's; also notes on whether the ids of their table are
    the log's.
    """
    logged = log.coded_ids(key)
    found = [ids.spelling(log, key, logged)]
    every = [logged.values]
    if entities is not None:
        every.append(entities.ids(key))
        entities.require_distinct(key)
        found.append(ids.meeting(log, logged.values, entities, key))
    vocabulary = Vocabulary.union(*every)
    return found, vocabulary, logged.become(vocabulary.find(logged.values))


def _unread(tables: Tables, settings: TableSettings) -> list[Findings]:
    """Return notes on columns that are not read, of the tables that have no features."""
    truth = tables.truth
    plain = [("interactions", tables.interactions), ("randomised", tables.randomised)]
    if truth is not None:
        plain += [("truth_users", truth.users), ("truth_items", truth.items)]
    if isinstance(truth, TruthTables):
        plain.append(("truth", truth.cells))
    return [
        columns.unread(table, (*required_columns(name, settings), *OPTIONAL.get(name, ())))
        for name, table in plain
        if table is not None
    ]


def _require_columns(features: FeatureReading, tables: Tables, wording: Wording) -> None:
    """Raise `InputError` for a declared column that is a feature neither of items nor of users."""
    given = [table for table in (tables.items, tables.users) if table is not None]
    known = {name for table in given for name in table.columns} - {"item_id", "user_id", "categories"}
    for name in features.names:
        if name not in known:
            raise InputError(f"{wording.source}: key 'features': {unknown('column', name, known)}")


def _read_log(
    table: Table,
    settings: TableSettings,
    users: tuple[Vocabulary, NDArray[np.int32]],
    items: tuple[Vocabulary, NDArray[np.int32]],
    wording: Wording,
) -> InteractionLog:
    """
    Args:
        table: the interactions.
        settings: how they are read.
        users, items: all that there are, and those of the rows.
        wording: the names of settings in messages.
    """
    scale = settings.reward
    signals = {name: table.single_numbers(name, -LARGEST_REWARD, LARGEST_REWARD) for name in scale.weights}
    rewards = _summed(table, signals, scale) if signals else table.single_numbers("reward", scale.minimum, scale.maximum)
    times = table.times("timestamp") if "timestamp" in table.columns else None
    if settings.log.repeats == "error":
        hint = f" (other readings: {wording.repeats}: last, mean or keep, in {wording.label})"
        table.refuse_repeat(first_repeat(users[1], items[1]), ("user_id", "item_id"), hint)
    log = InteractionLog(
        users=users[1],
        items=items[1],
        rewards=rewards,
        times=times,
        user_ids=users[0].ids,
        item_ids=items[0].ids,
        reward_range=(scale.minimum, scale.maximum),
        positive_only=scale.feedback == "positive-only",
        positive_threshold=scale.positive_threshold,
        exposure=read_exposure(table, settings.log.repeats),
        signals=signals,
    )
    return log if settings.log.repeats == "error" else without_repeats(log, settings.log.repeats)


def _summed(table: Table, signals: Signals, scale: RewardScale) -> NDArray[np.float32]:
    """Return (n,) the weighted sums of the signals.

    Raises:
        InputError: naming the first row whose sum lies outside the range of rewards.
    """
    rewards = weighted_sum(signals, scale.weights)
    outside = (rewards < scale.minimum) | (rewards > scale.maximum)
    if outside.any():
        row = int(np.argmax(outside))
        raise InputError(
            f"{table.source}: {table.place(row)} has signals with the weighted sum {rewards[row]:g}; expected a reward in "
            f"{scale.minimum:g}..{scale.maximum:g}"
        )
    return rewards.astype(np.float32)


def _read_randomised(table: Table, log: InteractionLog, users: Vocabulary, items: Vocabulary) -> InteractionLog:
    """Read ratings of randomly shown items by known users and of known items; a pair may occur several times."""
    found, of = known_positions(table, "user_id", users), known_positions(table, "item_id", items)
    rewards = table.single_numbers("reward", *log.reward_range)
    return replace(log, users=found, items=of, rewards=rewards, times=None, exposure=None, signals={})


def _features(table: Table | None, entities: Vocabulary, key: str, declared: FeatureReading) -> tuple[Features, Findings]:
    """Return features of all entities in their order; those that the table lacks count as blank."""
    if table is None:
        return Features.none(len(entities)), Findings()
    names, found = columns.read_as_features(table, (key, "categories"), declared.ignored)
    readings = {name: read_feature(table, name, declared.kind(name)) for name in names}
    found = Findings.together([found, plausible_features(table, readings)])
    if not readings:
        return Features.none(len(entities)), found
    rows = pl.DataFrame([table.ids(key), *(reading.cells for reading in readings.values())])
    every = pl.DataFrame({key: entities.texts}).join(rows, on=key, how="left", maintain_order="left")
    return features_from(every.drop(key)), found


def _catalog(table: Table | None, items: Vocabulary, declared: FeatureReading) -> tuple[ItemCatalog, Findings]:
    features, found = _features(table, items, "item_id", declared)
    if table is None or "categories" not in table.columns:
        return ItemCatalog(np.zeros((len(items), 0), np.int32), (), features), found
    named = names_of(table)
    found = Findings.together([found, plausible_categories(table, named)])
    codes, names = read_categories(named, items.find(table.ids("item_id")), len(items))
    return ItemCatalog(codes, names, features), found
