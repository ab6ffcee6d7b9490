"""The hidden variables of a generated world: tastes of users, traits and categories of items, and features that reveal them
in part.

Users belong loosely to groups with common interests; an item's traits are near those of its categories.
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
CATEGORY_COUNTS = (0.78, 0.16, 0.04, 0.02)  # shares of items with 1, 2, 3, 4 categories


@dataclass(frozen=True)
class Latent:
    """The hidden variables of the generated data; U users, I items, C categories.

    Attributes:
        tastes, traits: (U, FACTORS) and (I, FACTORS); their product is personal taste, of variance about 1.
        mood: (U,) how much a user likes all items, of variance about 1.
        quality: (I,) how much all users like an item, of variance about 1.
        popularity: (I,) logarithm of how often an item is shown, up to a constant.
        categories: (I, 4) codes, -1 in unused places; the first is the main one.
    """

    tastes: Floats
    traits: Floats
    mood: Floats
    quality: Floats
    popularity: Floats
    categories: NDArray[np.int32]

    @property
    def n_users(self) -> int:
        """U, the number of users."""
        return len(self.tastes)

    @property
    def n_items(self) -> int:
        """I, the number of items."""
        return len(self.traits)


def category_names(items: int) -> tuple[str, ...]:
    """Return the names of the categories of a world with `items` items."""
    return tuple(f"category_{code}" for code in range(_category_count(items)))


def _category_count(items: int) -> int:
    """Return 31 from 124 items on, fewer for small worlds, so that a category has a few items."""
    return int(np.clip(items // 4, 2, CATEGORIES))


def draw_latent(users: int, items: int, random: np.random.Generator) -> Latent:
    """Draw the hidden variables of a world."""
    n_categories = _category_count(items)
    group_tastes = random.standard_normal((GROUPS, FACTORS))
    group = random.integers(GROUPS, size=users)
    tastes = np.sqrt(0.6) * group_tastes[group] + np.sqrt(0.4) * random.standard_normal((users, FACTORS))

    categories = _draw_categories(n_categories, items, random)
    member = np.zeros((items, n_categories + 1))
    np.put_along_axis(member, categories.astype(np.intp), 1.0, axis=1)
    member = member[:, :-1]  # -1 has written to the spare last column
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
    """Return (I, 4) distinct categories of every item, -1 in unused places; low codes are the common ones."""
    slots = min(len(CATEGORY_COUNTS), n_categories)
    shares = np.array(CATEGORY_COUNTS[:slots]) / sum(CATEGORY_COUNTS[:slots])
    counts = 1 + random.choice(slots, size=items, p=shares)
    skew = -0.8 * np.log(np.arange(1, n_categories + 1))
    # The categories with the largest log-weights plus Gumbel noise are a weighted draw without replacement.
    drawn = np.argsort(-(skew + random.gumbel(size=(items, n_categories))), axis=1)[:, :slots]
    categories = np.full((items, len(CATEGORY_COUNTS)), -1, np.int32)
    categories[:, :slots] = np.where(np.arange(slots) < counts[:, None], drawn, -1)
    return categories


def _noisy(values: Floats, random: np.random.Generator) -> Floats:
    """Return standardised values with added noise of the same variance."""
    return standardise(standardise(values.astype(np.float64)) + random.standard_normal(len(values)))


def _quarter(values: Floats, random: np.random.Generator) -> NDArray[np.int32]:
    """Return the quarter of each entity by its noisy value, from 0, the lowest, to 3."""
    return (np.argsort(np.argsort(_noisy(values, random))) * 4 // len(values)).astype(np.int32)


def draw_user_features(latent: Latent, random: np.random.Generator) -> Features:
    """Return noisy features of the users' moods and tastes."""
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
    """Return noisy features of the items' quality and traits."""
    codes = [_quarter(column, random) for column in (latent.traits[:, 0], latent.traits[:, 1])]
    numeric = [_noisy(column, random) for column in (latent.quality, latent.traits[:, 2])]
    return Features(
        code_names=("video_type", "music_type"),
        codes=np.stack(codes, axis=1),
        code_sizes=(4, 4),
        numeric_names=("duration", "upload_age"),
        numeric=np.stack(numeric, axis=1),
    )
