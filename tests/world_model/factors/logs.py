"""Small logs for the tests of the factor model."""

from collections.abc import Sequence

import numpy as np

from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.world.settings import LeaveConfig
from darlr.world.world import World

FACTORS = 2
LOW, HIGH = 0.0, 10.0


def dataset_of(
    rows: Sequence[tuple[int, int, float]],
    users: int,
    items: int,
    *,
    reward_range: tuple[float, float] = (LOW, HIGH),
    positive_only: bool = False,
    user_features: Features | None = None,
    catalog: ItemCatalog | None = None,
    world: World | None = None,
) -> Dataset:
    """Make a data set from rows of (user, item, reward); by default without features, and with a world of all users and
    items.
    """
    columns = np.array(rows, dtype=np.float64).reshape(-1, 3)
    log = InteractionLog(
        users=columns[:, 0].astype(np.int32),
        items=columns[:, 1].astype(np.int32),
        rewards=columns[:, 2].astype(np.float32),
        times=None,
        user_ids=np.arange(users),
        item_ids=np.arange(items),
        reward_range=reward_range,
        positive_only=positive_only,
    )
    return Dataset(
        name="small",
        log=log,
        items=catalog or ItemCatalog(np.full((items, 0), -1, np.int32), (), Features.none(items)),
        user_features=user_features or Features.none(users),
        world=world or World(np.arange(users), np.arange(items)),
        leave=LeaveConfig(by="never"),
        hashes={},
    )


def numeric(values: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> Features:
    """(n, G) numbers as features."""
    n, columns = values.shape
    return Features((), np.zeros((n, 0), np.int32), (), tuple(f"n{column}" for column in range(columns)), values)


def planted(
    users: int = 80, items: int = 60, rows: int = 2_400, noise: float = 0.3, seed: int = 0
) -> tuple[Dataset, np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    """Return a log of a world with two factors, and (users, items) its noiseless rewards; an item's bias is its only
    feature.
    """
    random = np.random.default_rng(seed)
    tastes, traits = random.standard_normal((users, FACTORS)), random.standard_normal((items, FACTORS))
    quality = random.standard_normal(items)
    truth = 5 + 0.5 * random.standard_normal((users, 1)) + quality + 0.7 * tastes @ traits.T
    user, item = random.integers(users, size=rows), random.integers(items, size=rows)
    rewards = np.clip(truth[user, item] + noise * random.standard_normal(rows), LOW, HIGH)
    catalog = ItemCatalog(np.full((items, 0), -1, np.int32), (), numeric(quality[:, None].astype(np.float32)))
    logged = list(zip(user.tolist(), item.tolist(), rewards.tolist(), strict=True))
    return dataset_of(logged, users, items, catalog=catalog), truth.clip(LOW, HIGH)
