"""Coat shopping ratings (Schnabel et al. 2016, https://www.cs.cornell.edu/~schnabts/mnar/).

The official release gives the log and the features. The world in which the published protocol tests is the fully known matrix
`coat_pseudoGT_ratingM.ascii` of the RL4Rec study (Huang et al. 2020, https://github.com/BetsyHJ/RL4Rec).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darlr.config.schema import LeaveConfig
from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset, World
from darlr.data.files import hash_files
from darlr.data.log import InteractionLog
from darlr.data.matrices import read_integer_matrix
from darlr.data.official import Official
from darlr.data.source import LoadedDataset, Source
from darlr.data.truth import Truth
from darlr.errors import InputError

USERS, ITEMS = 290, 300
TRAIN = "train.ascii"
TRUTH = "coat_pseudoGT_ratingM.ascii"
USER_FEATURES = "user_item_features/user_features.ascii"
ITEM_FEATURES = "user_item_features/item_features.ascii"
FILES = (TRAIN, USER_FEATURES, ITEM_FEATURES, TRUTH)

# Widths of the one-hot groups, in column order.
USER_GROUPS = {"gender": 2, "age": 6, "location": 3, "fashion_interest": 3}
ITEM_GROUPS = {"gender": 2, "jacket_type": 16, "colour": 13, "front_page": 2}


def read_coat(folder: Path) -> LoadedDataset:
    """Read Coat: 290 users, 300 items, ratings 1..5, no times, no categories; raw ids are row and column numbers from 0.

    Raises:
        InputError: naming the file and line that is missing or is not as published.
    """
    if not (folder / TRUTH).is_file():
        raise InputError(
            f"{folder / TRUTH}: no such file; it is the test world's matrix, published at https://github.com/BetsyHJ/RL4Rec"
        )
    ratings = read_integer_matrix(folder / TRAIN, (USERS, ITEMS), 0, 5)  # 0: not rated
    users, items = np.nonzero(ratings)
    log = InteractionLog(
        users=users.astype(np.int32),
        items=items.astype(np.int32),
        rewards=ratings[users, items].astype(np.float32),
        times=None,
        user_ids=np.arange(USERS, dtype=np.int64),
        item_ids=np.arange(ITEMS, dtype=np.int64),
        reward_range=(1.0, 5.0),
    )
    world = World(np.arange(USERS, dtype=np.int64), np.arange(ITEMS, dtype=np.int64))
    dataset = Dataset(
        name="coat",
        log=log,
        items=ItemCatalog(np.zeros((ITEMS, 0), np.int32), (), _read_groups(folder / ITEM_FEATURES, ITEMS, ITEM_GROUPS)),
        user_features=_read_groups(folder / USER_FEATURES, USERS, USER_GROUPS),
        world=world,
        leave=LeaveConfig(by="distance", window=4, tolerance=0.0, max_steps=30),
        hashes=hash_files(folder, FILES),
    )
    truth = read_integer_matrix(folder / TRUTH, (USERS, ITEMS), 1, 5)
    return LoadedDataset(dataset, Truth(world, truth.astype(np.float32)))


def _read_groups(path: Path, rows: int, groups: dict[str, int]) -> Features:
    """One coded feature per one-hot group: the position of its set bit."""
    widths = tuple(groups.values())
    bits = read_integer_matrix(path, (rows, sum(widths)), 0, 1)
    starts = np.cumsum((0, *widths))[:-1]
    counts = np.add.reduceat(bits, starts, axis=1)
    if (counts != 1).any():
        row, group = np.argwhere(counts != 1)[0]
        first = starts[group] + 1
        raise InputError(
            f"{path}: line {row + 1}, columns {first}..{first + widths[group] - 1} ({tuple(groups)[group]}) "
            f"have {counts[row, group]} bits set; expected exactly one"
        )
    codes: NDArray[np.int32] = np.stack(
        [bits[:, start : start + width].argmax(axis=1) for start, width in zip(starts, widths, strict=True)], axis=1
    ).astype(np.int32)
    return Features(tuple(groups), codes, widths, (), np.zeros((rows, 0), np.float32))


RATINGS_AND_FEATURES = Official(
    archive="coat.zip",
    page="https://www.cs.cornell.edu/~schnabts/mnar/",
    licence="research use; not to be redistributed",
    members=(TRAIN, USER_FEATURES, ITEM_FEATURES),
    root="coat",
)
PSEUDO_GROUND_TRUTH = Official(
    archive=TRUTH,
    page="https://github.com/BetsyHJ/RL4Rec",
    licence="research use; not to be redistributed",
    members=(TRUTH,),
)

SOURCE = Source(
    name="coat",
    description="coat ratings of 290 users for 300 items; tested on a pseudo ground truth",
    folder="coat",
    official=(RATINGS_AND_FEATURES, PSEUDO_GROUND_TRUTH),
    read=lambda config, folder, cache: read_coat(folder),
)
