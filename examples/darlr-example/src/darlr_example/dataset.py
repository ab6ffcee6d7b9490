"""A custom data set: users of two islands, who like the items of their own island.

`read` returns a `LoadedDataset`: the log to learn from, and the truth that judges policies. A data set with files lists
them in `official`, so that darlr can report missing ones.
"""

from pathlib import Path

import numpy as np

from darlr.config.experiment import ExperimentConfig
from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.origin.cache import Cache
from darlr.data.source import LoadedDataset, Source
from darlr.data.truth import Truth
from darlr.world.settings import LeaveConfig
from darlr.world.world import World

USERS, ITEMS, LOGGED = 60, 40, 0.3


def read(config: ExperimentConfig, folder: Path, cache: Cache) -> LoadedDataset:
    """Make the data set. It is the same for every run, so it has its own seed."""
    random = np.random.default_rng(0)
    island = np.arange(ITEMS) % 2
    same = (np.arange(USERS) % 2)[:, None] == island
    rewards = np.where(same, random.choice([3, 4, 5], (USERS, ITEMS)), random.choice([1, 2], (USERS, ITEMS)))
    users, items = np.nonzero(random.random((USERS, ITEMS)) < LOGGED)
    log = InteractionLog(
        users=users.astype(np.int32),
        items=items.astype(np.int32),
        rewards=rewards[users, items].astype(np.float32),
        times=random.permutation(len(users)).astype(np.float64),
        user_ids=np.arange(USERS),
        item_ids=np.arange(ITEMS),
        reward_range=(1.0, 5.0),
        positive_threshold=3.0,
    )
    world = World(np.arange(USERS), np.arange(ITEMS))
    dataset = Dataset(
        name="islands",
        log=log,
        items=ItemCatalog(island[:, None].astype(np.int32), ("north", "south"), Features.none(ITEMS)),
        user_features=Features.none(USERS),
        world=world,
        leave=LeaveConfig(by="never", max_steps=10),
        hashes={},
    )
    return LoadedDataset(dataset, Truth(world, rewards.astype(np.float32)))


ISLANDS = Source("islands", "users of two islands who like the items of their own, generated", "", (), read)
