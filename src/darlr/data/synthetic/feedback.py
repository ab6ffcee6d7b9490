"""The rewards that the users of a generated world give, and their times.

An item's appeal to a user is the sum of personal taste, the item's quality and the user's mood. The truth is an increasing
function of the appeal, log-normal. A logged reward is the truth times noise of mean 1. Users watch one category for a while
before they turn to another.
"""

import numpy as np
from numpy.typing import NDArray

from darlr.data.factored import FactoredRewards
from darlr.data.synthetic.latent import Floats, Latent

MAXIMUM = 5.0  # largest watch ratio, as in KuaiRec
WATCHED = 1.0  # the ratio of a video watched to its end; from this on it counts as liked
MEAN = 0.85  # mean of the truth
SPREAD = 0.55  # standard deviation of the truth's logarithm
NOISE = 0.4  # standard deviation of the logarithm of one view around the truth
TASTE, QUALITY, MOOD = np.float32(np.sqrt(0.6)), np.float32(np.sqrt(0.25)), np.float32(np.sqrt(0.15))  # weights in the appeal
START, SPAN, SITTING = 1_593_900_000.0, 28 * 86_400.0, 1_800.0  # seconds: first day, length of the log, length of one sitting
FAITHFUL = 0.75  # share of views in the user's sitting with that category; the others are at random times


def expected_table(latent: Latent) -> Floats:
    """Return (U, I) the truth: log-normal in the appeal, with mean `MEAN` before it is clipped at `MAXIMUM`."""
    appeal: Floats = latent.tastes @ latent.traits.T
    appeal *= TASTE
    appeal += QUALITY * latent.quality
    appeal += MOOD * latent.mood[:, None]
    appeal *= np.float32(SPREAD)
    np.exp(appeal, out=appeal)
    appeal *= np.float32(MEAN / appeal.mean(dtype=np.float64))
    np.minimum(appeal, np.float32(MAXIMUM), out=appeal)
    return appeal


def expected_factors(latent: Latent, sample: int, random: np.random.Generator) -> FactoredRewards:
    """Return the truth of `expected_table` as factors, without a table; its mean is that of `sample` random pairs."""
    ones = np.ones((latent.n_users, 1), np.float32)
    users = np.concatenate([latent.tastes, ones, latent.mood[:, None]], axis=1)
    appeal = [TASTE * latent.traits, QUALITY * latent.quality[:, None], np.full((latent.n_items, 1), MOOD)]
    items = np.float32(SPREAD) * np.concatenate(appeal, axis=1, dtype=np.float32)
    unscaled = FactoredRewards(users, items, "log", 0.0, np.inf)
    pairs = (random.integers(size, size=sample) for size in (latent.n_users, latent.n_items))
    items[:, -2] += np.float32(np.log(MEAN / unscaled.cells(*pairs).mean(dtype=np.float64)))
    return FactoredRewards(users, items, "log", 0.0, MAXIMUM)


def given(expected: Floats, random: np.random.Generator) -> Floats:
    """Return (n,) rewards of users for a truth of `expected` (n,)."""
    noise = np.exp(NOISE * random.standard_normal(len(expected)) - NOISE**2 / 2)
    return np.minimum(expected * noise, MAXIMUM).astype(np.float32)


def draw_times(
    n_users: int, n_categories: int, users: NDArray[np.int32], categories: NDArray[np.int32], random: np.random.Generator
) -> NDArray[np.float64]:
    """Return (n,) seconds: every user sits down once with each category, and sees most of its items then.

    Args:
        n_users, n_categories: size of the world.
        users: (n,) the users who view, in 0..n_users-1.
        categories: (n,) main categories of the viewed items.
        random: draws the times.
    """
    sittings = random.random((n_users, n_categories))
    moment = np.where(random.random(len(users)) < FAITHFUL, sittings[users, categories], random.random(len(users)))
    return START + SPAN * moment + SITTING * random.random(len(users))
