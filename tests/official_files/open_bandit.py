"""Open Bandit's campaign "men", as published: impressions with propensities, and items with hashed features."""

from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

import numpy as np
import polars as pl

from tests.official_files.tables import Integers

ITEMS = 34
TINY, FULL = 400, {"random": 452_949, "bts": 4_077_727}


@dataclass(frozen=True)
class OpenBandit:
    """The written content: (n,) items from 0, positions 1 to 3, clicks and propensities, and the kind of every row's user."""

    items: Integers
    positions: Integers
    clicks: Integers
    propensities: np.ndarray[tuple[int], np.dtype[np.float64]]
    kinds: Integers


def root_of(policy: str) -> str:
    return f"open_bandit_dataset/{policy}/men"


def write_open_bandit(root: Path, policy: str, rows: int, seed: int = 0) -> OpenBandit:
    """Write both files into the published folder in `root`; bts shows the first items more often."""
    random = np.random.default_rng(seed)
    chances = np.full(ITEMS, 1 / ITEMS) if policy == "random" else np.arange(ITEMS, 0, -1) / (ITEMS * (ITEMS + 1) / 2)
    items = random.choice(ITEMS, rows, p=chances)
    items[:ITEMS] = np.arange(ITEMS)
    found = OpenBandit(
        items,
        random.integers(1, 4, rows),
        (random.random(rows) < 0.1).astype(int),
        chances[items],
        random.integers(6, size=rows),
    )
    folder = root / root_of(policy)
    folder.mkdir(parents=True, exist_ok=True)
    start = pl.datetime(2019, 11, 24, time_zone="UTC")
    seconds = pl.select(start + pl.duration(seconds=pl.int_range(rows))).to_series()
    times = seconds.dt.strftime("%Y-%m-%d %H:%M:%S.5+00:00").to_list()
    columns = {
        "": np.arange(rows),
        "timestamp": times,
        "item_id": found.items,
        "position": found.positions,
        "click": found.clicks,
        "propensity_score": found.propensities,
        **{f"user_feature_{place}": [hashed(f"u{kind % (place + 2)}") for kind in found.kinds] for place in range(4)},
        **{f"user-item_affinity_{item}": np.zeros(rows) for item in range(ITEMS)},
    }
    pl.DataFrame(columns).write_csv(folder / "men.csv")
    described = {
        "": np.arange(ITEMS),
        "item_id": np.arange(ITEMS),
        "item_feature_0": random.normal(size=ITEMS),
        **{f"item_feature_{place}": [hashed(f"i{item % (8 - 2 * place)}") for item in range(ITEMS)] for place in range(1, 4)},
    }
    pl.DataFrame(described).write_csv(folder / "item_context.csv")
    return found


def hashed(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
