"""A generated world shaped like KuaiRec: watch ratios, categories, features, times, biased exposure, and a known truth.

Users belong loosely to groups with common interests; an item is drawn to its categories. What a user makes of an item (its
appeal) is personal taste, plus the item's quality, plus the user's mood; the truth is an increasing function of it. Users were
shown popular items and items near their taste more often (other selections are a setting), and watched one category for a while
before turning to another.
"""

import hashlib
import json
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from darlr.config.loading import to_mapping
from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.parsing.features import standardise
from darlr.data.settings import SyntheticConfig
from darlr.data.source import LoadedDataset, Source
from darlr.data.truth import Truth
from darlr.errors import InputError
from darlr.memory import Need, require_fits
from darlr.seeding import numpy_generator
from darlr.world.settings import LeaveConfig
from darlr.world.world import World

Floats = NDArray[np.float32]

FACTORS = 8
GROUPS = 12
CATEGORIES = 31
CATEGORY_COUNTS = (0.78, 0.16, 0.04, 0.02)  # share of items with 1, 2, 3, 4 categories
MAXIMUM = 5.0  # of a watch ratio, as KuaiRec's is cut
MEAN = 0.85  # of the truth
SPREAD = 0.55  # standard deviation of the truth's logarithm
NOISE = 0.4  # the same of one view around it
DENSITY = 0.08  # mean share of the items that a user has seen
START, SPAN, SITTING = 1_593_900_000.0, 28 * 86_400.0, 1_800.0  # seconds: first day, length of the log, of one sitting
FAITHFUL = 0.75  # share of views in the user's sitting with that category; the others happen at any time
BLOCK_CELLS = 4_000_000  # users are worked on in blocks of about this many (user, item) cells, which bounds the memory


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


def generate(config: SyntheticConfig) -> LoadedDataset:
    """Generate the world of `config`: the same settings give the same data on the same machine.

    Rewards are watch ratios in 0..5. The truth is their expectation before noise, for all users and items; a logged reward is
    the truth times noise of mean 1, cut at 5. No pair is logged twice, and every user has at least one row. Ratings of randomly
    shown items have the same noise.

    Raises:
        InputError: for a strength of selection where nothing is selected, and for a world that does not fit into the memory.
    """
    size = f"config keys 'synthetic.users' and 'synthetic.items' are {config.users:,} and {config.items:,}"
    drawn = f"config key 'synthetic.randomised' is {config.randomised:,}"
    require_fits(
        [Need(8 * config.users * config.items, size, "their truth"), Need(40 * config.randomised, drawn, "its ratings")]
    )
    if config.selection == "forced" and config.selection_strength != SyntheticConfig.selection_strength:
        raise InputError(
            f"config key 'synthetic.selection_strength' is {config.selection_strength:g}, but the selection 'forced' has none; "
            f"expected the default, {SyntheticConfig.selection_strength:g}"
        )
    latent = _draw_latent(config, numpy_generator(config.seed, "synthetic", "latent"))
    truth = _expected_rewards(latent)
    log = _draw_log(latent, truth, config, numpy_generator(config.seed, "synthetic", "log"))
    features = numpy_generator(config.seed, "synthetic", "features")
    world = World(np.arange(config.users, dtype=np.int64), np.arange(config.items, dtype=np.int64))
    names = tuple(f"category_{code}" for code in range(_category_count(config.items)))
    dataset = Dataset(
        name="synthetic",
        log=log,
        items=ItemCatalog(latent.categories, names, _item_features(latent, features)),
        user_features=_user_features(latent, features),
        world=world,
        leave=LeaveConfig(by="category", window=4, tolerance=0.0, max_steps=30),
        hashes={"synthetic": hashlib.sha256(json.dumps(to_mapping(config), sort_keys=True).encode()).hexdigest()},
        randomised=_draw_randomised(log, truth, config) if config.randomised else None,
    )
    return LoadedDataset(dataset, Truth(world, truth))


def _category_count(items: int) -> int:
    """31 from 124 items on, fewer for small worlds, so that a category has a few items."""
    return int(np.clip(items // 4, 2, CATEGORIES))


def _draw_latent(config: SyntheticConfig, random: np.random.Generator) -> Latent:
    n_categories = _category_count(config.items)
    group_tastes = random.standard_normal((GROUPS, FACTORS))
    group = random.integers(GROUPS, size=config.users)
    tastes = np.sqrt(0.6) * group_tastes[group] + np.sqrt(0.4) * random.standard_normal((config.users, FACTORS))

    categories = _draw_categories(n_categories, config.items, random)
    member = np.zeros((config.items, n_categories + 1))
    np.put_along_axis(member, categories.astype(np.intp), 1.0, axis=1)
    member = member[:, :-1]  # -1 wrote into the spare last column
    themes = member @ random.standard_normal((n_categories, FACTORS)) / np.sqrt(member.sum(axis=1, keepdims=True))
    traits = np.sqrt(0.7) * themes + np.sqrt(0.3) * random.standard_normal((config.items, FACTORS))

    quality = random.standard_normal(config.items)
    popularity = 0.5 * quality + 0.9 * random.standard_normal(config.items)
    return Latent(
        tastes=tastes.astype(np.float32),
        traits=(traits / np.sqrt(FACTORS)).astype(np.float32),
        mood=random.standard_normal(config.users).astype(np.float32),
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


def _expected_rewards(latent: Latent) -> Floats:
    """(U, I) the truth: log-normal in the appeal, with mean `MEAN`, cut at `MAXIMUM`."""
    appeal: Floats = latent.tastes @ latent.traits.T
    appeal *= np.float32(np.sqrt(0.6))
    appeal += np.float32(np.sqrt(0.25)) * latent.quality
    appeal += np.float32(np.sqrt(0.15)) * latent.mood[:, None]
    appeal *= np.float32(SPREAD)
    np.exp(appeal, out=appeal)
    appeal *= np.float32(MEAN / appeal.mean(dtype=np.float64))
    np.minimum(appeal, np.float32(MAXIMUM), out=appeal)
    return appeal


def _draw_log(latent: Latent, truth: Floats, config: SyntheticConfig, random: np.random.Generator) -> InteractionLog:
    users, items = _draw_exposure(latent, truth, config, random)
    rewards = _given(truth[users, items], random)
    times = _draw_times(latent, users, items, random)
    order = np.lexsort((times, users))
    return InteractionLog(
        users=users[order],
        items=items[order],
        rewards=rewards[order],
        times=times[order],
        user_ids=np.arange(len(latent.tastes), dtype=np.int64),
        item_ids=np.arange(len(latent.traits), dtype=np.int64),
        reward_range=(0.0, MAXIMUM),
        positive_threshold=1.0,  # watched to the end
    )


def _given(expected: Floats, random: np.random.Generator) -> Floats:
    """(n,) what users give where the truth is `expected` (n,)."""
    noise = np.exp(NOISE * random.standard_normal(len(expected)) - NOISE**2 / 2)
    return np.minimum(expected * noise, MAXIMUM).astype(np.float32)


def _draw_randomised(log: InteractionLog, truth: Floats, config: SyntheticConfig) -> InteractionLog:
    """Ratings of pairs drawn evenly from all; a pair may be drawn twice."""
    random = numpy_generator(config.seed, "synthetic", "randomised")
    users, items = (random.integers(size, size=config.randomised).astype(np.int32) for size in truth.shape)
    return replace(log, users=users, items=items, rewards=_given(truth[users, items], random), times=None)


def _draw_exposure(
    latent: Latent, truth: Floats, config: SyntheticConfig, random: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The (user, item) pairs of the log, each once: more of active users, in proportion to exp(`_log_weights`)."""
    n_users, n_items = len(latent.tastes), len(latent.traits)
    activity = DENSITY * n_items * np.exp(0.5 * random.standard_normal(n_users) - 0.125)
    seen = np.clip(np.rint(activity), min(4, n_items), max(1, n_items // 2)).astype(np.int64)
    block = max(1, BLOCK_CELLS // n_items)
    pairs = []
    for start in range(0, n_users, block):
        stop = min(start + block, n_users)
        score = _log_weights(latent, truth, config, start, stop)
        # The largest of log-weights plus Gumbel noise, -log of an exponential, are a weighted draw without replacement.
        score -= np.log(np.maximum(random.standard_exponential(score.shape, dtype=np.float32), np.finfo(np.float32).tiny))
        most = int(seen[start:stop].max())
        best = np.argpartition(-score, most - 1, axis=1)[:, :most]
        ranked = np.take_along_axis(best, np.argsort(-np.take_along_axis(score, best, axis=1), axis=1), axis=1)
        user, rank = np.nonzero(np.arange(most) < seen[start:stop, None])
        pairs.append((user + start, ranked[user, rank]))
    users, items = (np.concatenate(part).astype(np.int32) for part in zip(*pairs, strict=True))
    return users, items


def _log_weights(latent: Latent, truth: Floats, config: SyntheticConfig, start: int, stop: int) -> Floats:
    """(stop - start, I) how likely these users are to have each item, as logarithms, up to a constant."""
    weights: Floats = np.zeros((stop - start, truth.shape[1]), np.float32)
    if config.selection == "shown":
        weights = latent.tastes[start:stop] @ latent.traits.T
        weights *= np.float32(0.5)
    if config.selection in ("shown", "popularity"):
        weights += latent.popularity
    if config.selection == "free":
        weights += truth[start:stop] / truth.std(dtype=np.float64).astype(np.float32)
    weights *= np.float32(config.selection_strength)
    return weights


def _draw_times(
    latent: Latent, users: NDArray[np.int32], items: NDArray[np.int32], random: np.random.Generator
) -> NDArray[np.float64]:
    """(n,) seconds: every user sits down once with each category, and sees most of its items then."""
    sittings = random.random((len(latent.tastes), int(latent.categories.max()) + 1))
    main = latent.categories[items, 0]
    moment = np.where(random.random(len(users)) < FAITHFUL, sittings[users, main], random.random(len(users)))
    return START + SPAN * moment + SITTING * random.random(len(users))


def _noisy(values: Floats, random: np.random.Generator) -> Floats:
    """Standardised values seen through as much noise as there is signal."""
    return standardise(standardise(values.astype(np.float64)) + random.standard_normal(len(values)))


def _quarter(values: Floats, random: np.random.Generator) -> NDArray[np.int32]:
    """Which quarter of the entities each falls into by its noisy value: 0 lowest to 3."""
    return (np.argsort(np.argsort(_noisy(values, random))) * 4 // len(values)).astype(np.int32)


def _user_features(latent: Latent, random: np.random.Generator) -> Features:
    codes = [_quarter(column, random) for column in (latent.mood, latent.tastes[:, 0], latent.tastes[:, 1])]
    numeric = [_noisy(column, random) for column in (latent.tastes[:, 2], latent.tastes[:, 3])]
    return Features(
        code_names=("active_degree", "follow_range", "fans_range"),
        codes=np.stack(codes, axis=1),
        code_sizes=(4, 4, 4),
        numeric_names=("register_days", "friends"),
        numeric=np.stack(numeric, axis=1),
    )


def _item_features(latent: Latent, random: np.random.Generator) -> Features:
    codes = [_quarter(column, random) for column in (latent.traits[:, 0], latent.traits[:, 1])]
    numeric = [_noisy(column, random) for column in (latent.quality, latent.traits[:, 2])]
    return Features(
        code_names=("video_type", "music_type"),
        codes=np.stack(codes, axis=1),
        code_sizes=(4, 4),
        numeric_names=("duration", "upload_age"),
        numeric=np.stack(numeric, axis=1),
    )


SOURCE = Source(
    name="synthetic",
    description="a generated world shaped like KuaiRec, of any size, with a known truth",
    folder="",
    official=(),
    read=lambda config, folder, cache: generate(config.synthetic),  # nothing is read
)
