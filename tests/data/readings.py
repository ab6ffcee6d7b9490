"""Reading generated official files, and bringing what was read and what was planted into one form."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darlr.config.schema import DataConfig, ExperimentConfig
from darlr.data.catalog import ItemCatalog
from darlr.data.log import InteractionLog
from darlr.data.registry import load
from darlr.data.source import LoadedDataset


def read(name: str, data_dir: Path, **data: str) -> LoadedDataset:
    return load(ExperimentConfig(dataset=name, data=DataConfig(**data)), data_dir)  # type: ignore[arg-type]


def rows(users: object, items: object, times: object, rewards: object) -> NDArray[np.float64]:
    """(n, 4) sorted, whatever their order was."""
    table = np.stack([np.asarray(column, np.float64) for column in (users, items, times, rewards)], axis=1)
    return table[np.lexsort(table.T[::-1])]


def rows_of(log: InteractionLog) -> NDArray[np.float64]:
    times = np.zeros(len(log)) if log.times is None else log.times
    return rows(log.user_ids[log.users], log.item_ids[log.items], times, log.rewards)


def tags_of(catalog: ItemCatalog) -> dict[int, tuple[int, ...]]:
    """Raw tags by position."""
    return {
        item: tuple(int(catalog.category_names[code]) for code in codes if code >= 0)
        for item, codes in enumerate(catalog.categories.tolist())
    }
