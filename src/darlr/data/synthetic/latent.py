"""What lies behind a generated world: tastes of users, traits and categories of items, and the features that tell of them.

Users belong loosely to groups with common interests; an item is drawn to its categories.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darlr.data.catalog import Features
from darlr.data.parsing.features import standardise

Floats = NDArray[np.float32]

FACTORS = 8
GROUPS = 12
CATEGORIES = 31
CATEGORY_COUNTS = (0.78, 0.16, 0.04, 0.02)  # share of items with 1, 2, 3, 4 categories


@dataclass(frozen=True)
class Latent:
    """What lies behind the generated data; U users, I items, C categories.

    Attributes:
        tastes: (U, FACTORS) and `traits`: (I, FACTORS), whose product is personal taste, of variance about 1.
        mood: (U,) and `quality`: (I,): how much a user likes anything, and an item is liked by anyone, of variance about 1.
        popularity: (I,) logarithm of how often an item is shown, up to a constant.
        categories: (I, 4) codes, -1 where an item has fewer; the first is the main one.
    """

    tastes: Floats
    traits: Floats
    mood: Floats
    quality: Floats
    popularity: Floats
    categories: NDArray[np.int32]

    @property
    def n_users(self) -> int:
        return len(self.tastes)

    @property
    def n_items(self) -> int:
        return len(self.traits)


def category_names(items: int) -> tuple[str, ...]:
    """The categories of a world with so many items."""
    return tuple(f"category_{code}" for code in range(_category_count(items)))


def _category_count(items: int) -> int:
    """31 from 124 items on, fewer for small worlds, so that a category has a few items."""
    return int(np.clip(items // 4, 2, CATEGORIES))


def draw_latent(users: int, items: int, random: np.random.Generator) -> Latent:
    """Draw what lies behind a world with so many users and items."""
    n_categories = _category_count(items)
    group_tastes = random.standard_normal((GROUPS, FACTORS))
    group = random.integers(GROUPS, size=users)
    tastes = np.sqrt(0.6) * group_tastes[group] + np.sqrt(0.4) * random.standard_normal((users, FACTORS))

    categories = _draw_categories(n_categories, items, random)
    member = np.zeros((items, n_categories + 1))
    np.put_along_axis(member, categories.astype(np.intp), 1.0, axis=1)
    member = member[:, :-1]  # -1 wrote into the spare last column
    themes = member @ random.standard_normal((n_categories, FACTORS)) / np.sqrt(member.sum(axis=1, keepdims=True))
    traits = np.sqrt(0.7) * themes + np.sqrt(0.3) * random.standard_normal((items, FACTORS))

    quality = random.standard_normal(items)
    popularity = 0.5 * quality + 0.9 * random.standard_normal(items)
    return Latent(
        tastes=tastes.astype(np.float32),
        traits=(traits / np.sqrt(FACTORS)).astype(np.float32),
        mood=random.standard_normal(users).astype(np.float32),
        quality=quality.astype(np.float32),
        popularity=popularity.astype(np.float32),
        categories=categories,
    )


def _draw_categories(n_categories: int, items: int, random: np.random.Generator) -> NDArray[np.int32]:
    """(I, 4) distinct categories of every item, -1 where it has fewer; low codes are the common ones."""
    slots = min(len(CATEGORY_COUNTS), n_categories)
    shares = np.array(CATEGORY_COUNTS[:slots]) / sum(CATEGORY_COUNTS[:slots])
    counts = 1 + random.choice(slots, size=items, p=shares)
    skew = -0.8 * np.log(np.arange(1, n_categories + 1))
    # The largest of log-weights plus Gumbel noise are a weighted draw without replacement.
    drawn = np.argsort(-(skew + random.gumbel(size=(items, n_categories))), axis=1)[:, :slots]
    categories = np.full((items, len(CATEGORY_COUNTS)), -1, np.int32)
    categories[:, :slots] = np.where(np.arange(slots) < counts[:, None], drawn, -1)
    return categories


def _noisy(values: Floats, random: np.random.Generator) -> Floats:
    """Standardised values seen through as much noise as there is signal."""
    return standardise(standardise(values.astype(np.float64)) + random.standard_normal(len(values)))


def _quarter(values: Floats, random: np.random.Generator) -> NDArray[np.int32]:
    """Which quarter of the entities each falls into by its noisy value: 0 lowest to 3."""
    return (np.argsort(np.argsort(_noisy(values, random))) * 4 // len(values)).astype(np.int32)


def draw_user_features(latent: Latent, random: np.random.Generator) -> Features:
    """Noisy signs of the users' moods and tastes."""
    codes = [_quarter(column, random) for column in (latent.mood, latent.tastes[:, 0], latent.tastes[:, 1])]
    numeric = [_noisy(column, random) for column in (latent.tastes[:, 2], latent.tastes[:, 3])]
    return Features(
        code_names=("active_degree", "follow_range", "fans_range"),
        codes=np.stack(codes, axis=1),
        code_sizes=(4, 4, 4),
        numeric_names=("register_days", "friends"),
        numeric=np.stack(numeric, axis=1),
    )


def draw_item_features(latent: Latent, random: np.random.Generator) -> Features:
    """Noisy signs of the items' quality and traits."""
    codes = [_quarter(column, random) for column in (latent.traits[:, 0], latent.traits[:, 1])]
    numeric = [_noisy(column, random) for column in (latent.quality, latent.traits[:, 2])]
    return Features(
        code_names=("video_type", "music_type"),
        codes=np.stack(codes, axis=1),
        code_sizes=(4, 4),
        numeric_names=("duration", "upload_age"),
        numeric=np.stack(numeric, axis=1),
    )
