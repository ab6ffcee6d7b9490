"""A generated world like KuaiRec: watch ratios, categories, features, times, biased exposure, and a known truth.

`darlr.data.synthetic` has the laws of tastes, rewards and times. By default, users were shown popular items, and items near
their taste, more often. Weights and rewards are tables of all users and items; `darlr generate` writes worlds that are too
large for that.
"""

import hashlib
import json
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from darlr.config.loading import to_mapping
from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.settings import SyntheticConfig
from darlr.data.source import LoadedDataset, Source
from darlr.data.synthetic.feedback import MAXIMUM, WATCHED, draw_times, expected_table, given
from darlr.data.synthetic.latent import (
    Floats,
    Latent,
    category_names,
    draw_item_features,
    draw_latent,
    draw_user_features,
)
from darlr.data.truth import Truth
from darlr.errors import InputError
from darlr.memory import Need, require_fits
from darlr.seeding import numpy_generator
from darlr.world.hazard import LeaveHazard
from darlr.world.returns import ReturnLaw
from darlr.world.settings import LeaveConfig
from darlr.world.world import World

DENSITY = 0.08  # mean share of the items that a user has seen
BLOCK_CELLS = 4_000_000  # users are processed in blocks of about this many (user, item) cells, which bounds the memory


def generate(config: SyntheticConfig) -> LoadedDataset:
    """Generate the world of `config`: the same settings give the same data on the same machine.

    Rewards are watch ratios in 0..5. The truth is their expectation before noise, for all users and items. A logged reward
    is the truth times noise of mean 1, clipped at 5. No pair is logged twice, and every user has at least one row. Ratings
    of randomly shown items have the same noise. With `synthetic.leave: hazard` the log has sessions, and the truth has the
    law that ended them.

    Raises:
        InputError: for a strength of a selection that has none, and for a world that does not fit into the memory.
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
    _require_read(config)
    latent = draw_latent(config.users, config.items, numpy_generator(config.seed, "synthetic", "latent"))
    truth = expected_table(latent)
    catalog = ItemCatalog(latent.categories, category_names(config.items), Features.none(config.items))
    random = numpy_generator(config.seed, "synthetic", "log")
    if config.leave == "hazard":
        log, hazard, returns = _draw_sessions(latent, truth, catalog.membership(), config, random)
    else:
        log, hazard, returns = _draw_log(latent, truth, config, random), None, None
    features = numpy_generator(config.seed, "synthetic", "features")
    world = World(np.arange(config.users, dtype=np.int64), np.arange(config.items, dtype=np.int64))
    dataset = Dataset(
        name="synthetic",
        log=log,
        items=replace(catalog, features=draw_item_features(latent, features)),
        user_features=draw_user_features(latent, features),
        world=world,
        leave=LeaveConfig(by="category" if hazard is None else "learned", window=4, tolerance=0.0, max_steps=30),
        hashes={"synthetic": hashlib.sha256(json.dumps(_read(config), sort_keys=True).encode()).hexdigest()},
        randomised=_draw_randomised(log, truth, config) if config.randomised else None,
    )
    return LoadedDataset(dataset, Truth(world, truth, leave=hazard, returns=returns))


def _read(config: SyntheticConfig) -> dict[str, object]:
    """Return the settings that the world depends on. Those of the hazard are left out where there is none, so that such a
    world keeps the hash that it had before there were hazards.
    """
    values = to_mapping(config)
    return values if config.leave == "hazard" else {key: values[key] for key in values if key not in ("leave", *config.visits)}


def _require_read(config: SyntheticConfig) -> None:
    """Raise `InputError` for a setting of the hazard if there is none."""
    defaults = SyntheticConfig().visits
    for name, value in config.visits.items() if config.leave != "hazard" else ():
        if value != defaults[name]:
            raise InputError(
                f"config key 'synthetic.{name}' is {value:g}, but 'synthetic.leave' is '{config.leave}', which reads no such "
                f"key; expected the default, {defaults[name]:g}"
            )


def _draw_sessions(
    latent: Latent, truth: Floats, membership: NDArray[np.bool_], config: SyntheticConfig, random: np.random.Generator
) -> tuple[InteractionLog, LeaveHazard, ReturnLaw]:
    """Return the log of a world whose users leave and return by known laws, and the laws."""
    # Other data are read without torch.
    from darlr.data.synthetic.visits import draw_visits, known_hazard, known_returns  # noqa: PLC0415

    hazard = known_hazard(config, numpy_generator(config.seed, "synthetic", "hazard"))
    returns = known_returns(config, numpy_generator(config.seed, "synthetic", "return"))
    orders = _draw_orders(latent, truth, config, random)
    visits = draw_visits(orders, truth, membership, hazard, returns, random)
    log = InteractionLog(
        users=visits.users,
        items=visits.items,
        rewards=visits.rewards,
        times=visits.times,
        user_ids=np.arange(latent.n_users, dtype=np.int64),
        item_ids=np.arange(latent.n_items, dtype=np.int64),
        reward_range=(0.0, MAXIMUM),
        positive_threshold=WATCHED,
        exposure=visits.exposure,
    )
    return log, hazard, returns


def _draw_orders(latent: Latent, truth: Floats, config: SyntheticConfig, random: np.random.Generator) -> NDArray[np.int32]:
    """Return (U, I) all items in the order of draws without replacement, in proportion to exp(`_log_weights`)."""
    block = max(1, BLOCK_CELLS // latent.n_items)
    orders = []
    for start in range(0, latent.n_users, block):
        score = _log_weights(latent, truth, config, start, min(start + block, latent.n_users))
        score -= _log_exponential(score.shape, random)
        orders.append(np.argsort(-score, axis=1, kind="stable").astype(np.int32))
    return np.concatenate(orders)


def _log_exponential(shape: tuple[int, ...], random: np.random.Generator) -> Floats:
    """Return logarithms of exponential numbers. The items with the largest log-weights minus these (that is, plus Gumbel
    noise) are a weighted draw without replacement.
    """
    return np.log(np.maximum(random.standard_exponential(shape, dtype=np.float32), np.finfo(np.float32).tiny))


def _draw_log(latent: Latent, truth: Floats, config: SyntheticConfig, random: np.random.Generator) -> InteractionLog:
    users, items = _draw_exposure(latent, truth, config, random)
    rewards = given(truth[users, items], random)
    n_categories = int(latent.categories.max()) + 1
    times = draw_times(latent.n_users, n_categories, users, latent.categories[items, 0], random)
    order = np.lexsort((times, users))
    return InteractionLog(
        users=users[order],
        items=items[order],
        rewards=rewards[order],
        times=times[order],
        user_ids=np.arange(len(latent.tastes), dtype=np.int64),
        item_ids=np.arange(len(latent.traits), dtype=np.int64),
        reward_range=(0.0, MAXIMUM),
        positive_threshold=WATCHED,
    )


def _draw_randomised(log: InteractionLog, truth: Floats, config: SyntheticConfig) -> InteractionLog:
    """Return ratings of pairs drawn uniformly from all; a pair may be drawn twice."""
    random = numpy_generator(config.seed, "synthetic", "randomised")
    users, items = (random.integers(size, size=config.randomised).astype(np.int32) for size in truth.shape)
    return replace(log, users=users, items=items, rewards=given(truth[users, items], random), times=None)


def _draw_exposure(
    latent: Latent, truth: Floats, config: SyntheticConfig, random: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the (user, item) pairs of the log, each once, drawn in proportion to exp(`_log_weights`); active users have
    more.
    """
    n_users, n_items = latent.n_users, latent.n_items
    activity = DENSITY * n_items * np.exp(0.5 * random.standard_normal(n_users) - 0.125)
    seen = np.clip(np.rint(activity), min(4, n_items), max(1, n_items // 2)).astype(np.int64)
    block = max(1, BLOCK_CELLS // n_items)
    pairs = []
    for start in range(0, n_users, block):
        stop = min(start + block, n_users)
        score = _log_weights(latent, truth, config, start, stop)
        score -= _log_exponential(score.shape, random)
        most = int(seen[start:stop].max())
        best = np.argpartition(-score, most - 1, axis=1)[:, :most]
        ranked = np.take_along_axis(best, np.argsort(-np.take_along_axis(score, best, axis=1), axis=1), axis=1)
        user, rank = np.nonzero(np.arange(most) < seen[start:stop, None])
        pairs.append((user + start, ranked[user, rank]))
    users, items = (np.concatenate(part).astype(np.int32) for part in zip(*pairs, strict=True))
    return users, items


def _log_weights(latent: Latent, truth: Floats, config: SyntheticConfig, start: int, stop: int) -> Floats:
    """Return (stop - start, I) the logarithm of the users' probabilities to have each item, up to a constant."""
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


SOURCE = Source(
    name="synthetic",
    description="a generated world shaped like KuaiRec, of any size, with a known truth",
    folder="",
    official=(),
    read=lambda config, folder, cache: generate(config.synthetic),  # nothing is read
)
