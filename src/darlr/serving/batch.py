"""Ranks items for all users of the log, block by block, into a Parquet file. Memory does not grow with the number of users."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.io.plugins import register_io_source

from darlr.artifacts.files import replacing
from darlr.data.log import Ids
from darlr.serving.messages import ANYBODY, Request
from darlr.serving.ranking import Ranked
from darlr.serving.recommender import Recommender

CELLS = 4_000_000
"""Number of user-item pairs that are ranked together; it bounds the memory."""


class Lists:
    """The lists of all users of the log, as blocks of rows in the users' order.

    Attributes:
        schema: the columns user_id, rank, item_id, score and expected_reward.
        users: number of users.
    """

    def __init__(self, recommender: Recommender, count: int, defaults: Request, diversify: bool, cells: int) -> None:
        """
        Args:
            recommender: ranks the items.
            count: items for each user.
            defaults, diversify: see `write_all`.
            cells: number of user-item pairs that are ranked together.
        """
        self._recommender, self._count, self._defaults, self._diversify = recommender, count, defaults, diversify
        self._user_ids, item_ids = recommender.user_ids, recommender.item_ids
        self.schema: dict[str, pl.DataType] = {
            "user_id": _type(self._user_ids),
            "rank": pl.UInt32(),
            "item_id": _type(item_ids),
            "score": pl.Float32(),
            "expected_reward": pl.Float32(),
        }
        self.users = len(self._user_ids)
        self._items = pl.Series(item_ids, dtype=self.schema["item_id"])
        self._size = max(1, cells // len(item_ids))

    def starts(self, at_least: int = 1) -> range:
        """The first user of each part. Parts consist of whole blocks and have `at_least` this many users, except the last
        part.
        """
        return range(0, self.users, self._size * -(-at_least // self._size))

    def blocks(self, first: int, last: int) -> Iterator[tuple[int, pl.DataFrame]]:
        """The lists of the users `first` to `last`, block by block, each with its number of users; `first` must begin a
        block.
        """
        for start in range(first, last, self._size):
            users = np.arange(start, min(start + self._size, last))
            block = self._recommender.blocks.of_users(users, self._defaults.exclude_seen, self._defaults.history == "log")
            ranked = self._recommender.ranker.rank(block, self._count, self._diversify)
            yield len(users), _frame(ranked, self._user_ids[users], self._items, self.schema)

    def whole(self, first: int, last: int) -> pl.DataFrame:
        """The lists of the users `first` to `last` in one frame."""
        return pl.concat([frame for _, frame in self.blocks(first, last)])


def write_all(
    recommender: Recommender,
    path: Path,
    count: int,
    defaults: Request = ANYBODY,
    diversify: bool = False,
    told: Callable[[int], None] = lambda users: None,
) -> None:
    """Write user_id, rank, item_id, score and expected_reward of `count` items for each user of the log, atomically.

    Args:
        recommender: ranks the items.
        path: the Parquet file.
        count: items for each user.
        defaults: the request for every user: whether the user's past items are left out, and the source of the past.
        diversify: whether neighbours in a list must not share categories.
        told: is called with the number of newly finished users.

    Raises:
        RunError: if the file cannot be written.
    """
    lists = Lists(recommender, count, defaults, diversify, CELLS)

    def frames(*_: object) -> Iterator[pl.DataFrame]:
        for users, frame in lists.blocks(0, lists.users):
            yield frame
            told(users)

    with replacing(path) as file:
        register_io_source(frames, schema=pl.Schema(lists.schema)).sink_parquet(file, maintain_order=True)


def _type(ids: Ids) -> pl.Int64 | pl.String:
    return pl.Int64() if ids.dtype.kind in "iu" else pl.String()


def _frame(ranked: Ranked, users: Ids, items: pl.Series, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """The rows of a block: one row for each recommended item."""
    shown = ranked.left.clamp_max(ranked.columns.shape[1]).cpu().numpy()
    there: NDArray[np.bool_] = np.arange(ranked.columns.shape[1]) < shown[:, None]
    owners, places = np.nonzero(there)
    return pl.DataFrame(
        {
            "user_id": pl.Series(users, dtype=schema["user_id"]).gather(owners),
            "rank": places + 1,
            "item_id": items.gather(ranked.columns.cpu().numpy()[there]),
            "score": ranked.probabilities.cpu().numpy()[there],
            "expected_reward": ranked.rewards.cpu().numpy()[there],
        },
        schema=schema,
    )
