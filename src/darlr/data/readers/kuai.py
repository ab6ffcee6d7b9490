"""Common parts of the two Kuaishou data sets: ids without gaps, the users file, and the leave rule of the published runs."""

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.catalog import Features
from darlr.data.parsing.columns import line_of
from darlr.data.parsing.features import Kind, features_from, read_feature
from darlr.data.parsing.tables import Table
from darlr.errors import InputError
from darlr.world.settings import LeaveConfig

LEAVE = LeaveConfig(by="category", window=4, tolerance=0.0, max_steps=30)

USER_NUMBERS = ("follow_user_num", "fans_user_num", "friend_user_num", "register_days")
USER_CODES = (
    "user_active_degree",
    "is_lowactive_period",
    "is_live_streamer",
    "is_video_author",
    "follow_user_num_range",
    "fans_user_num_range",
    "friend_user_num_range",
    "register_days_range",
    *(f"onehot_feat{number}" for number in range(18)),
)
"""Coded columns; blank, UNKNOWN and -124 are values of their own."""


def positions(table: Table, key: str, hint: str = "") -> NDArray[np.int64]:
    """Return (n,) the ids of a table that numbers its n entities from 0 without gaps, in any order.

    Raises:
        InputError: naming the line of a repeated id, or the first missing id; `hint` ends the message.
    """
    ids = table.numbers(key, low=0)
    table.require_distinct(key)
    missing = np.setdiff1d(np.arange(len(ids)), ids)
    if len(missing):
        raise InputError(
            f"{table.source}: column '{key}' has {len(ids):,} ids up to {ids.max():.0f} without {missing[0]}; "
            f"expected 0..{len(ids) - 1} without gaps{hint}"
        )
    return ids.astype(np.int64)


def by_id(table: Table, key: str, codes: tuple[str, ...], numbers: tuple[str, ...]) -> pl.DataFrame:
    """Return the features of a table in the order of its ids: `codes` as text, `numbers` as Float64.

    Raises:
        InputError: naming the cell at fault.
    """
    order = np.argsort(positions(table, key))
    kinds: dict[str, Kind] = {**dict.fromkeys(codes, "coded"), **dict.fromkeys(numbers, "numeric")}
    return pl.DataFrame([read_feature(table, name, kind).cells.gather(order) for name, kind in kinds.items()])


def user_features(users: pl.DataFrame) -> Features:
    """Return all features of the users file, in the order of their ids."""
    return features_from(users.select(USER_CODES + USER_NUMBERS), coded=USER_CODES)


def require_known(path: Path, column: str, ids: NDArray[np.int32], n: int, where: str, hint: str = "") -> None:
    """Raise `InputError` for the first of a log's `ids` (rows,) that is not among the n of `where`; `hint` ends the message."""
    strange = ids >= n
    if strange.any():
        row = int(np.argmax(strange))
        raise InputError(
            f"{path}: line {line_of(path, row)}, column '{column}' holds {ids[row]}; expected an id of {where}, which has "
            f"0..{n - 1} (or that file is cut short){hint}"
        )
