"""Small worlds that many tests play in."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.world.settings import LeaveConfig
from darlr.world.window import Window
from darlr.world.world import World

CPU = torch.device("cpu")


def draws(seed: int = 0) -> torch.Generator:
    """A seeded generator."""
    return torch.Generator().manual_seed(seed)


def log_of(
    rows: Sequence[tuple[int, int, float]],
    n_users: int,
    n_items: int,
    times: Sequence[float] | None = None,
    reward_range: tuple[float, float] = (0.0, 5.0),
    positive_threshold: float = float("-inf"),
    positive_only: bool = False,
) -> InteractionLog:
    """A log of (user, item, reward) rows."""
    users, items, rewards = zip(*rows, strict=True)
    return InteractionLog(
        users=np.array(users, np.int32),
        items=np.array(items, np.int32),
        rewards=np.array(rewards, np.float32),
        times=None if times is None else np.array(times, np.float64),
        user_ids=np.arange(n_users),
        item_ids=np.arange(n_items),
        reward_range=reward_range,
        positive_only=positive_only,
        positive_threshold=positive_threshold,
    )


def catalog_of(categories: Sequence[Sequence[int]], features: Features | None = None) -> ItemCatalog:
    """Items with the given category codes."""
    slots = max(map(len, categories))
    codes = np.full((len(categories), slots), -1, np.int32)
    for item, own in enumerate(categories):
        codes[item, : len(own)] = own
    names = tuple(f"c{code}" for code in range(int(codes.max(initial=-1)) + 1))
    return ItemCatalog(codes, names, Features.none(len(categories)) if features is None else features)


def dataset_of(
    log: InteractionLog,
    items: ItemCatalog | None = None,
    user_features: Features | None = None,
    world: World | None = None,
    name: str = "small",
    leave: LeaveConfig | None = None,
    hashes: Mapping[str, str] | None = None,
) -> Dataset:
    """A data set around `log`; without a catalogue its items have no categories, and its users never leave."""
    return Dataset(
        name=name,
        log=log,
        items=catalog_of([[]] * log.n_items) if items is None else items,
        user_features=Features.none(log.n_users) if user_features is None else user_features,
        world=World(np.arange(log.n_users), np.arange(log.n_items)) if world is None else world,
        leave=LeaveConfig(by="never") if leave is None else leave,
        hashes=hashes or {},
    )


def low_rank_world(
    n_users: int, n_items: int, seed: int = 0
) -> tuple[Dataset, np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    """A data set that logs 40% of a truth of rank 2 (rewards 0..5), and that truth (n_users, n_items)."""
    random = np.random.default_rng(seed)
    appeal = random.normal(size=(n_users, 2)) @ random.normal(size=(2, n_items))
    truth = (5 / (1 + np.exp(-2 * appeal))).astype(np.float32)
    users, items = np.nonzero(random.random(truth.shape) < 0.4)
    rows = [(int(user), int(item), float(truth[user, item])) for user, item in zip(users, items, strict=True)]
    return dataset_of(log_of(rows, n_users, n_items)), truth


def window_of(items: Sequence[Sequence[int]], rewards: Sequence[Sequence[float]] | None = None) -> Window:
    """A window of the given columns; rewards are 0 where none are given."""
    columns = torch.tensor(items)
    return Window(columns, torch.zeros(columns.shape) if rewards is None else torch.tensor(rewards))


def membership_of(categories: Sequence[Sequence[int]]) -> Tensor:
    """(n_items, C) bool."""
    return torch.from_numpy(catalog_of(categories).membership())
