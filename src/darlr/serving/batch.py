"""Recommendations for all users of the log, written block by block into a Parquet file; memory does not grow with the users."""

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
"""The number of user-item pairs that are ranked at once; it bounds the memory."""


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
        recommender: the policy.
        path: the Parquet file.
        count: number of items for each user.
        defaults: for all users, whether the user's items are left out, and where the past comes from.
        diversify: as in `Recommender.recommend`.
        told: is called with the number of users done since the last call.

    Raises:
        RunError: if the file cannot be written.
    """
    user_ids, item_ids = recommender.user_ids, recommender.item_ids
    schema: dict[str, pl.DataType] = {
        "user_id": _type(user_ids),
        "rank": pl.UInt32(),
        "item_id": _type(item_ids),
        "score": pl.Float32(),
        "expected_reward": pl.Float32(),
    }
    items = pl.Series(item_ids, dtype=schema["item_id"])

    def frames(*_: object) -> Iterator[pl.DataFrame]:
        size = max(1, CELLS // len(item_ids))
        for first in range(0, len(user_ids), size):
            users = np.arange(first, min(first + size, len(user_ids)))
            block = recommender.blocks.of_users(users, defaults.exclude_seen, defaults.history == "log")
            yield _frame(recommender.ranker.rank(block, count, diversify), user_ids[users], items, schema)
            told(len(users))

    with replacing(path) as file:
        register_io_source(frames, schema=pl.Schema(schema)).sink_parquet(file, maintain_order=True)


def _type(ids: Ids) -> pl.Int64 | pl.String:
    return pl.Int64() if ids.dtype.kind in "iu" else pl.String()


def _frame(ranked: Ranked, users: Ids, items: pl.Series, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Return the rows of a block: one for each item that may be recommended."""
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
