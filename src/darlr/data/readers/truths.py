"""From tables of the truth to the rewards of the test world: a row for each cell, or factors of users and of items."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.config.constraints import SINGLE
from darlr.data.factored import FactoredRewards
from darlr.data.ids import KnownIds
from darlr.data.parsing.tables import Table
from darlr.data.parsing.vocabulary import Vocabulary
from darlr.data.readers.table_settings import TableSettings
from darlr.data.readers.wording import Wording
from darlr.data.truth import Truth
from darlr.errors import InputError
from darlr.memory import Need, require_fits
from darlr.world.world import World


@dataclass(frozen=True)
class TruthTables:
    """The cells of the truth, and its rows and columns; without the latter, these are all ids in the cells."""

    cells: Table
    users: Table | None = None
    items: Table | None = None


@dataclass(frozen=True)
class FactorTables:
    """Factors whose product is the truth, and its rows and columns; without the latter, these are all ids with factors."""

    user_factors: Table
    item_factors: Table
    users: Table | None = None
    items: Table | None = None


def truth_of(
    tables: TruthTables | FactorTables,
    settings: TableSettings,
    users: Vocabulary,
    items: Vocabulary,
    bounds: tuple[float, float],
    wording: Wording,
) -> Truth:
    """Return the dense truth over its rows and columns, both ascending in the vocabularies; its rewards lie in `bounds`.

    Raises:
        InputError: naming the row of a cell that cannot be used, occurs twice, or has an unknown id (up to five are named);
            also for a truth that does not fit into the memory.
    """
    for axis, key in ((tables.users, "user_id"), (tables.items, "item_id")):
        if axis is not None:
            axis.require_distinct(key)
    if isinstance(tables, FactorTables):
        return _of_factors(tables, settings, users, items, bounds)
    return _of_cells(tables, settings, users, items, bounds, wording)


def _of_cells(
    tables: TruthTables,
    settings: TableSettings,
    users: Vocabulary,
    items: Vocabulary,
    bounds: tuple[float, float],
    wording: Wording,
) -> Truth:
    table = tables.cells
    table.require_distinct("user_id", "item_id")
    rewards = table.numbers("reward", *bounds)
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
            f"({absent.sum():,} of {absent.size:,} cells are absent); expected all, or {wording.missing} in {wording.label}"
        )
    low, high = bounds
    if missing < low or missing > high:  # neither for nan
        raise InputError(f"{wording.source}: key '{wording.missing}' is {missing:g}; expected a number in {low:g}..{high:g}")
    return Truth(world, matrix)


def _of_factors(
    tables: FactorTables, settings: TableSettings, users: Vocabulary, items: Vocabulary, bounds: tuple[float, float]
) -> Truth:
    user_names, item_names = _factor_names(tables.user_factors, "user_id"), _factor_names(tables.item_factors, "item_id")
    if user_names != item_names:
        raise InputError(
            f"{tables.item_factors.source}: the factors are {', '.join(item_names)}; expected {', '.join(user_names)}, as "
            f"{tables.user_factors.source} has them"
        )
    world = World(
        users=_axis(tables.users or tables.user_factors, "user_id", users),
        items=_axis(tables.items or tables.item_factors, "item_id", items),
    )
    cause = f"{tables.user_factors.source}: the test world has {world.n_users:,} users and {world.n_items:,} items"
    require_fits([Need(4 * world.n_users * world.n_items, cause, "their truth")])
    rewards = FactoredRewards(
        _factors(tables.user_factors, "user_id", users, world.users, user_names),
        _factors(tables.item_factors, "item_id", items, world.items, item_names),
        settings.truth.link,
        *bounds,
    )
    return Truth(world, rewards.table(np.arange(world.n_users), np.arange(world.n_items)))


def _factor_names(table: Table, key: str) -> list[str]:
    table.require_distinct(key)
    names = [name for name in table.columns if name != key]
    if not names:
        raise InputError(f"{table.source}: has no column beside '{key}'; expected one for each factor")
    return names


def _factors(table: Table, key: str, entities: Vocabulary, axis: NDArray[np.int64], names: list[str]) -> NDArray[np.float32]:
    """Return (n, K) the factors of the entities of `axis` (n,).

    Raises:
        InputError: naming a cell that is not a number of single precision, and an entity without factors.
    """
    row = np.full(len(entities) + 1, -1)  # position -1, unknown, writes into the spare last slot
    row[entities.find(table.ids(key))] = np.arange(len(table))
    rows = row[axis]
    if (rows < 0).any():
        lacking = entities.ids[axis[int(np.argmax(rows < 0))]]
        raise InputError(f"{table.source}: column '{key}' lacks {lacking}; expected all ids of the test world")
    columns = [table.numbers(name, -SINGLE, SINGLE)[rows].astype(np.float32) for name in names]
    return np.stack(columns, axis=1)


def _axis(table: Table, key: str, entities: Vocabulary) -> NDArray[np.int64]:
    """Return the positions of a truth's rows or columns."""
    return np.unique(known_positions(table, key, entities)).astype(np.int64)


def known_positions(table: Table, key: str, entities: Vocabulary) -> NDArray[np.int32]:
    """Return (n,) the position of every row's id.

    Raises:
        InputError: for ids that neither the log nor its catalogue has.
    """
    coded = table.coded_ids(key)
    positions = entities.find(coded.values)
    missing = coded.values.filter(pl.Series(positions < 0))
    if len(missing):
        shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        raise InputError(
            f"{table.source}: column '{key}' has {len(missing)} unknown ids ({shown}); expected ids of the log or its catalogue"
            f"{KnownIds(entities.ids).hint(missing[0])}"
        )
    return coded.become(positions)


def _cells(
    table: Table, key: str, entities: Vocabulary, axis: NDArray[np.int64], axis_table: Table | None
) -> NDArray[np.int64]:
    """Return the position on its axis of every line of the truth."""
    slots = np.full(len(entities) + 1, -1)  # position -1, unknown, reads the spare last slot
    slots[axis] = np.arange(len(axis))
    coded = table.coded_ids(key)
    cells: NDArray[np.int64] = slots[entities.find(coded.values)][coded.codes]
    if axis_table is not None and (cells < 0).any():
        source = axis_table.source
        name = source.name if isinstance(source, Path) else source
        raise table.refuse(int(np.argmax(cells < 0)), key, f"an id of {name}")
    return cells
