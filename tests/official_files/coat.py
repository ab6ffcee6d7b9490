"""Coat: `coat/*.ascii`, in the only size, with line ends of either kind, and RL4Rec's truth."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.official_files.tables import Integers
from tests.official_files.tastes import Tastes, choose_items

ROOT = "coat"
TRUTH = "coat_pseudoGT_ratingM.ascii"
USERS, ITEMS = 290, 300
CHOSEN, DRAWN = 24, 16
"""Ratings a user in the train and in the test file."""

USER_GROUPS = {"gender": 2, "age": 6, "location": 3, "fashioninterest": 3}
ITEM_GROUPS = {"gender": 2, "jackettype": 16, "color": 13, "onfrontpage": 2}


@dataclass(frozen=True)
class Coat:
    """The written content.

    Attributes:
        folder: the folder of Coat's own files; the pseudo ground truth is one above.
        train, test: (USERS, ITEMS) ratings, 0 where there is none; equal where both have one.
        truth: (USERS, ITEMS) ratings 1..5 without noise.
        user_codes, item_codes: (USERS, 4) and (ITEMS, 4) the set bit of each group.
    """

    folder: Path
    train: Integers
    test: Integers
    truth: Integers
    user_codes: Integers
    item_codes: Integers


def write_coat(root: Path, seed: int = 0, newline: str = "\n") -> Coat:
    """Write `coat` and the pseudo ground truth into the folder `root`."""
    random = np.random.default_rng(seed)
    tastes = Tastes(USERS, ITEMS, random)
    users, items = (column.ravel() for column in np.indices((USERS, ITEMS)))
    truth = np.clip(np.rint(tastes.stars(users, items)), 1, 5).astype(np.int64).reshape(USERS, ITEMS)
    ratings = tastes.rate(users, items, random).reshape(USERS, ITEMS)
    popularity = random.normal(0, 0.5, ITEMS)
    owners = np.arange(ITEMS) % USERS
    train = _observed(ratings, choose_items(np.full(USERS, CHOSEN), popularity, owners, random))
    test = _observed(ratings, choose_items(np.full(USERS, DRAWN), np.zeros(ITEMS), owners[::-1], random))
    propensities = np.broadcast_to(CHOSEN * np.exp(popularity) / np.exp(popularity).sum(), (USERS, ITEMS))

    folder = root / ROOT
    (folder / "user_item_features").mkdir(parents=True)
    for file, matrix in ((folder / "train.ascii", train), (folder / "test.ascii", test), (root / TRUTH, truth)):
        np.savetxt(file, matrix, fmt="%d", newline=newline)
    np.savetxt(folder / "propensities.ascii", propensities, newline=newline)
    codes = []
    for name, n, groups in (("user", USERS, USER_GROUPS), ("item", ITEMS, ITEM_GROUPS)):
        own = np.stack([random.integers(width, size=n) for width in groups.values()], axis=1)
        features = folder / "user_item_features" / f"{name}_features.ascii"
        np.savetxt(features, _bits(own, list(groups.values())), fmt="%d", newline=newline)
        labels = [f"{group}:{place}{newline}" for group, width in groups.items() for place in range(width)]
        features.with_name(f"{name}_features_map.txt").write_text("".join(labels), newline="")
        codes.append(own)
    return Coat(folder, train, test, truth, *codes)


def _observed(ratings: Integers, cells: tuple[Integers, Integers]) -> Integers:
    observed = np.zeros_like(ratings)
    observed[cells] = ratings[cells]
    return observed


def _bits(codes: Integers, widths: list[int]) -> Integers:
    """One-hot groups side by side."""
    starts = np.cumsum([0, *widths])[:-1]
    bits = np.zeros((len(codes), sum(widths)), np.int64)
    np.put_along_axis(bits, starts + codes, 1, axis=1)
    return bits
