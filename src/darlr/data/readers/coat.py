"""Coat shopping ratings (Schnabel et al. 2016, https://www.cs.cornell.edu/~schnabts/mnar/).

The official release gives the log and the features. The world in which the published protocol tests is the fully known matrix
`coat_pseudoGT_ratingM.ascii` of the RL4Rec study (Huang et al. 2020, https://github.com/BetsyHJ/RL4Rec).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darlr.data.catalog import Features, ItemCatalog
from darlr.data.completion.completing import Exposed
from darlr.data.completion.settings import CompletionConfig
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.origin.cache import Cache
from darlr.data.origin.official import Official, locate
from darlr.data.parsing.matrices import read_integer_matrix, read_matrix
from darlr.data.settings import DataConfig
from darlr.data.source import LoadedDataset, Source, TableOne
from darlr.data.truth import Truth
from darlr.errors import InputError
from darlr.seeding import numpy_generator
from darlr.world.settings import LeaveConfig
from darlr.world.world import World

USERS, ITEMS = 290, 300
TRAIN, TEST, PROPENSITIES = "train.ascii", "test.ascii", "propensities.ascii"
TRUTH = "coat_pseudoGT_ratingM.ascii"
USER_FEATURES = "user_item_features/user_features.ascii"
ITEM_FEATURES = "user_item_features/item_features.ascii"

# Widths of the one-hot groups, in the order of columns.
USER_GROUPS = {"gender": 2, "age": 6, "location": 3, "fashion_interest": 3}
ITEM_GROUPS = {"gender": 2, "jacket_type": 16, "colour": 13, "front_page": 2}


TEST_RATINGS = 16
"""The number of items drawn at random for every user of the test file; in the train file, every user chose 24."""

PUBLISHED = {
    "train.ascii: ratings": 6_960,
    "train.ascii: fewest of a user": 24,
    "train.ascii: most of a user": 24,
    "test.ascii: ratings": 4_640,
    "test.ascii: fewest of a user": 16,
    "test.ascii: most of a user": 16,
    "cells in both": 366,
    "cells in both with another rating": 0,
}


def read_coat(config: DataConfig, folder: Path, cache: Cache) -> LoadedDataset:
    """Read Coat: 290 users, 300 items, ratings 1..5, no times, no categories; raw ids are row and column numbers from 0.

    The test ratings and the propensities are validated where they are present; learning reads neither. With `data.randomised`
    "tenth" a fixed tenth of the test ratings is `Dataset.randomised`. With `data.truth` "completed" all of them make the truth,
    so the two exclude each other.

    Raises:
        InputError: naming the file and line that is missing or is not as published.
    """
    paths = dict(locate(RATINGS_AND_FEATURES, folder, cache))
    read = [TRAIN, USER_FEATURES, ITEM_FEATURES]
    _require_apart(config)
    if config.truth == "published":
        paths |= locate(PSEUDO_GROUND_TRUTH, folder, cache)
        read.append(TRUTH)
    shape = (USERS, ITEMS)
    ratings = read_integer_matrix(paths[TRAIN], shape, 0, 5)  # 0: not rated
    if (np.count_nonzero(ratings, axis=1) == TEST_RATINGS).all():
        raise InputError(f"{paths[TRAIN]}: every user has {TEST_RATINGS} ratings; expected 24 (it seems to be {TEST})")
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
    drawn = read_integer_matrix(paths[TEST], shape, 0, 5) if TEST in paths else None
    if drawn is None and (config.truth == "completed" or config.randomised != "none"):
        use = "the truth is completed from it" if config.truth == "completed" else "'data.randomised' reads a tenth of it"
        raise InputError(f"{TEST} missing in {folder}; {use}; get {RATINGS_AND_FEATURES.advice}")
    randomised = None
    if drawn is not None and config.randomised == "tenth":
        read.append(TEST)
        randomised = _tenth(log, drawn)
    world = World(np.arange(USERS, dtype=np.int64), np.arange(ITEMS, dtype=np.int64))
    dataset = Dataset(
        name="coat",
        log=log,
        items=ItemCatalog(np.zeros((ITEMS, 0), np.int32), (), _read_groups(paths[ITEM_FEATURES], ITEMS, ITEM_GROUPS)),
        user_features=_read_groups(paths[USER_FEATURES], USERS, USER_GROUPS),
        world=world,
        leave=LeaveConfig(by="distance", window=4, tolerance=0.0, max_steps=30),
        hashes={name: cache.fingerprint(paths[name]) for name in read},
        randomised=randomised,
    )
    counts = _count(TRAIN, ratings)
    if PROPENSITIES in paths:
        read_matrix(paths[PROPENSITIES], shape, 0, 1)
    if drawn is not None:
        both = (ratings > 0) & (drawn > 0)
        counts |= _count(TEST, drawn)
        counts["cells in both"] = int(both.sum())
        counts["cells in both with another rating"] = int((ratings != drawn)[both].sum())
    if config.truth == "published":
        truth = read_integer_matrix(paths[TRUTH], shape, 1, 5)
        return LoadedDataset(dataset, Truth(world, truth.astype(np.float32)), counts, counts.get(f"{TEST}: ratings"))
    assert drawn is not None  # otherwise refused above
    rows, columns = np.nonzero(drawn)
    inputs = {TEST: cache.fingerprint(paths[TEST])}
    exposed = Exposed(rows, columns, drawn[rows, columns].astype(np.float64), USERS, ITEMS, inputs)
    return LoadedDataset(dataset, None, counts, counts[f"{TEST}: ratings"], exposed)


def _require_apart(config: DataConfig) -> None:
    if config.randomised != "none" and config.truth == "completed":
        raise InputError(
            f"config key 'data.randomised' is '{config.randomised}', but with 'data.truth' completed the same ratings make the "
            "truth; expected 'none'"
        )


def _tenth(log: InteractionLog, drawn: NDArray[np.int64]) -> InteractionLog:
    """Return a fixed tenth, at least one, of the ratings (U, I) of randomly drawn items, 0 where there is none."""
    users, items = np.nonzero(drawn)
    random = numpy_generator(0, "coat", "randomised")
    chosen = np.sort(random.permutation(len(users))[: max(1, len(users) // 10)])
    users, items = users[chosen], items[chosen]
    rewards = drawn[users, items].astype(np.float32)
    return replace(log, users=users.astype(np.int32), items=items.astype(np.int32), rewards=rewards)


def _count(name: str, ratings: NDArray[np.int64]) -> dict[str, int]:
    """Return the figures of a rating file that `PUBLISHED` has."""
    of_users = np.count_nonzero(ratings, axis=1)
    return {
        f"{name}: ratings": int(of_users.sum()),
        f"{name}: fewest of a user": int(of_users.min()),
        f"{name}: most of a user": int(of_users.max()),
    }


def _read_groups(path: Path, rows: int, groups: dict[str, int]) -> Features:
    """Return one coded feature for each one-hot group: the position of its set bit."""
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
    extras=(TEST, PROPENSITIES),
    url="https://www.cs.cornell.edu/~schnabts/mnar/coat.zip",
    citation="Schnabel et al., Recommendations as Treatments: Debiasing Learning and Evaluation, ICML 2016",
)
PSEUDO_GROUND_TRUTH = Official(
    archive=TRUTH,
    page="https://github.com/BetsyHJ/RL4Rec",
    licence="research use; not to be redistributed",
    members=(TRUTH,),
    # The authors publish the same file with their other study; only this copy has an address for programs.
    url=f"https://raw.githubusercontent.com/BetsyHJ/SOFA/4c5e82e44911e2a62709a500ba1f3fc766aa33f4/data/{TRUTH}",
    size=174_000,
    sha256="fee71820f155a3f43ab50858734a23102c8328cf9bd0e586ed5a7db2fb084223",
    citation="Huang et al., Keeping Dataset Biases out of the Simulation, RecSys 2020",
)

SOURCE = Source(
    name="coat",
    description="coat ratings of 290 users for 300 items; tested on a pseudo ground truth",
    folder="coat",
    official=(RATINGS_AND_FEATURES, PSEUDO_GROUND_TRUTH),
    read=lambda config, folder, cache: read_coat(config.data, folder, cache),
    options=("truth", "randomised"),
    published=PUBLISHED,
    table_one=TableOne(290, 300, 8.046, 290, 300, 5.287),
    published_truth=PSEUDO_GROUND_TRUTH,
    completion=CompletionConfig(folds_tested=10),
)
