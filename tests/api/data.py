"""A small data set in memory that the tests of the API share."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from darlr.api.dataset import Dataset

SMALL: Mapping[str, Any] = {
    "world_model": {"members": 2, "hidden_sizes": [8], "max_epochs": 2},
    "policy": {"hidden_sizes": [8]},
    "training": {"epochs": 2, "steps_per_epoch": 60, "environments": 10},
    "evaluation": {"episodes": 10},
}
MODEL: Mapping[str, Any] = {"world_model": SMALL["world_model"]}


def interactions(best: int = 5) -> pl.DataFrame:
    """Make ratings of half of 40 items `i0`... by 40 users `u0`...; all users like the odd ones."""
    random = np.random.default_rng(0)
    rows = [
        (f"u{user}", f"i{item}", best if item % 2 else 1, 100 * user + place)
        for user in range(40)
        for place, item in enumerate(random.permutation(40)[:20].tolist())
    ]
    return pl.DataFrame(rows, schema=["user_id", "item_id", "reward", "timestamp"], orient="row")


def truth() -> pl.DataFrame:
    """Make the ratings of the first 20 users for all items."""
    cells = [(f"u{user}", f"i{item}", 5 if item % 2 else 1) for user in range(20) for item in range(40)]
    return pl.DataFrame(cells, schema=["user_id", "item_id", "reward"], orient="row")


def planted(log: pl.DataFrame | None = None, with_truth: bool = True) -> Dataset:
    """Make the data set, in which no user leaves before step 10."""
    return Dataset.from_frames(
        interactions() if log is None else log,
        truth=truth() if with_truth else None,
        name="planted",
        feedback="ratings",
        minimum=1,
        maximum=5,
        positive_threshold=4,
        leave={"by": "never", "max_steps": 10},
    )
