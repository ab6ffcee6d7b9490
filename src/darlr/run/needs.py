"""The memory that a run needs, from its settings and the data's size: the parts that can grow without bound.

The estimates are low, so a run that they refuse cannot fit. A run that they accept may still run out of memory
(`darlr.errors.out_of_memory`).
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from darlr.agents.networks.trackers import TRACKERS
from darlr.agents.settings import A2CConfig, OfflineConfig, ReplayConfig, SelectorConfig
from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import value_at
from darlr.data.dataset import Dataset
from darlr.evaluation.protocol import USERS_AT_ONCE
from darlr.memory import Need
from darlr.methods.c51 import C51Config
from darlr.methods.cql import CQLConfig
from darlr.methods.decision_transformer import TOKENS, DecisionTransformerConfig
from darlr.methods.experiment import default_config
from darlr.methods.method import Method
from darlr.methods.qr_dqn import QRDQNConfig
from darlr.world_model.factors.settings import FactorSettings
from darlr.world_model.kinds import WORLD_MODELS

FLOAT, INTEGER = 4, 8  # bytes
LEARNED = 4 * FLOAT
"""Bytes of a parameter: its value, its gradient, and Adam's two moments."""
PROCESS = 256 << 20
"""Bytes of a process that has only loaded its libraries: 287 MiB were measured before a run of 300 x 100 began."""
STEPS = 10
"""Steps of an episode from which users leave; few stay much longer."""


def needs(config: ExperimentConfig, dataset: Dataset, method: Method) -> Iterator[Need]:
    """Yield the memory needs of a run on `dataset`, whose settings are resolved."""
    world, log = dataset.world, dataset.log
    of_data = f"the data set '{dataset.name}' has {world.n_users:,} users and {world.n_items:,} items in its world"
    yield Need(PROCESS, "darlr with its libraries is loaded", "them")
    if not method.asks(config, dataset):
        yield Need(2 * FLOAT * world.n_users * world.n_items, of_data, "tables of all pairs' rewards")
    elif config.leave.by == "distance":
        yield Need(FLOAT * world.n_users * world.n_items, of_data, "a table of all pairs' rewards, by which users leave")
    reads = {*method.reads, *WORLD_MODELS[config.world_model.kind].reads}
    if config.world_model.kind in ("deepfm", "causal"):
        yield from _ensemble(config, dataset)
    if FactorSettings in reads and (size := config.own(FactorSettings).size):
        cells = (log.n_users + log.n_items) * size**2
        yield Need(4 * FLOAT * cells, _cause(config, "factors.size"), "what is uncertain of users and items")
    widths = {key: value_at(config, key) for section, key in _WIDTHS.items() if section in reads}
    yield from _policy(config, world.n_items * math.prod(widths.values()), list(widths))
    scored = method.scored(config, world.n_items)
    if A2CConfig in reads or ReplayConfig in reads:
        yield from _simulator(config, world.n_items, scored)
    if A2CConfig in reads:
        yield _minibatch(config, scored)
    if ReplayConfig in reads:
        yield from _replay(config, world.n_items)
    if OfflineConfig in reads:
        batch = config.own(OfflineConfig).batch_size
        yield Need(4 * FLOAT * batch * world.n_items, _cause(config, "offline.batch_size"), "a batch's scores of all items")
    if DecisionTransformerConfig in reads:
        yield from _sequences(config)
    if SelectorConfig in reads:
        yield from _selector(config, world.n_users)
    if config.neighbours.users and not method.asks(config, dataset):
        yield Need(FLOAT * world.n_users**2, of_data, "what users have in common")
    yield of_test(config.evaluation.episodes, config, _cause(config, "evaluation.episodes", "leave.max_steps", "slate.size"))


def of_test(episodes: int, config: ExperimentConfig, cause: str) -> Need:
    """Return the memory of a test of `episodes` episodes: rewards, items, slates, and which steps were taken."""
    step = FLOAT + INTEGER + 1 + (INTEGER * config.slate.size if config.slate.active else 0)
    playing = _slates(config, min(episodes, USERS_AT_ONCE))
    return Need(step * episodes * config.leave.max_steps + playing, cause, "the episodes of a test")


def _slates(config: ExperimentConfig, episodes: int) -> int:
    """The bytes of the slates of `episodes` episodes that run at once, and of those that a leave rule compares."""
    slate, window = config.slate, config.leave.window
    if not slate.active:
        return 0
    compared = slate.size**2 * window if slate.leave == "shown" else 0
    return INTEGER * episodes * (slate.size * (window + config.leave.max_steps) + compared)


def _ensemble(config: ExperimentConfig, dataset: Dataset) -> Iterator[Need]:
    model, log, features = config.world_model, dataset.log, (dataset.user_features, dataset.items.features)
    fields = 2 + dataset.items.categories.shape[1] + sum(len(side.code_names) for side in features)
    rows = log.n_users + log.n_items + sum(sum(side.code_sizes) for side in features)
    sizes = [fields * model.embedding_size, *model.hidden_sizes]
    parameters = rows * (model.embedding_size + 1) + sum(first * second for first, second in pairwise(sizes))
    cause = _cause(config, "world_model.embedding_size", "world_model.hidden_sizes", "world_model.members")
    yield Need(LEARNED * model.members * parameters, cause, "the world model's parameters")
    pairs = min(model.batch_size, len(log)) * (1 + (model.negatives_per_row if model.loss == "negatives" else 0))
    cause = _cause(config, "world_model.batch_size", "world_model.negatives_per_row", *_ENSEMBLE)
    yield Need(2 * FLOAT * model.members * pairs * sum(sizes), cause, "a batch of the world model")


_ENSEMBLE = ("world_model.embedding_size", "world_model.hidden_sizes", "world_model.members")


_TRACKER = ("tracker.width", "tracker.layers", "tracker.window", "tracker.horizontal_filters", "tracker.vertical_filters")
_WIDTHS = {CQLConfig: "cql.quantiles", QRDQNConfig: "qr_dqn.quantiles", C51Config: "c51.atoms"}
"""The settings of how many numbers a policy has for every item, where it has more than one."""


def _policy(config: ExperimentConfig, outputs: int, widths: Sequence[str]) -> Iterator[Need]:
    tracker = config.tracker
    kind, position = TRACKERS[tracker.kind], config.world_model.embedding_size
    width = tracker.width if kind.own_width else position
    sizes = [width, *config.policy.hidden_sizes]
    parameters = sum(first * second for first, second in pairwise(sizes)) + sizes[-1] * outputs
    keys = ["policy.hidden_sizes", "tracker.width", *widths]
    yield Need(LEARNED * parameters, _cause(config, *keys), "the policy's parameters")
    if weights := kind.weights(tracker, position):
        yield Need(LEARNED * weights, _cause(config, *_TRACKER), "the state tracker's layers")


def _simulator(config: ExperimentConfig, n_items: int, n_scored: int) -> Iterator[Need]:
    environments, longest, length = config.training.environments, config.leave.max_steps, _length(config)
    lookback = max(config.tracker.window, config.leave.window)
    scored = environments * (n_items + 2 * FLOAT * n_scored)  # which items were recommended, logits and probabilities
    shown = environments * (length * lookback + longest) * (INTEGER + FLOAT) + _slates(config, environments)
    cause = _cause(config, "training.environments", "leave.window", "tracker.window", "leave.max_steps", "slate.size")
    yield Need(scored + shown, cause, "the episodes that are collected at once")


def _length(config: ExperimentConfig) -> int:
    """The approximate number of steps of an episode."""
    longest = config.leave.max_steps
    return longest if config.leave.by == "never" else min(STEPS, longest)


def _minibatch(config: ExperimentConfig, n_scored: int) -> Need:
    batch = min(config.own(A2CConfig).minibatch_size, config.training.environments * _length(config))
    cells = n_scored + TRACKERS[config.tracker.kind].activations(config.tracker) + sum(config.policy.hidden_sizes)
    keys = ("a2c.minibatch_size", "training.environments", *_TRACKER, "policy.hidden_sizes")
    return Need(2 * FLOAT * batch * cells, _cause(config, *keys), "a minibatch")


def _replay(config: ExperimentConfig, n_items: int) -> Iterator[Need]:
    own, longest = config.own(ReplayConfig), config.leave.max_steps
    lookback = max(config.tracker.window, config.leave.window)
    slates = longest * INTEGER * config.slate.size if config.slate.active else 0
    kept = own.episodes * (2 * INTEGER + (longest + lookback) * (INTEGER + FLOAT) + longest * FLOAT + slates)
    yield Need(kept, _cause(config, "replay.episodes", "leave.max_steps", "slate.size"), "the replay")
    yield Need(4 * FLOAT * own.batch_size * n_items, _cause(config, "replay.batch_size"), "a batch's scores of all items")


def _selector(config: ExperimentConfig, n_users: int) -> Iterator[Need]:
    own = config.own(SelectorConfig)
    pool = min(max(own.pool, 2 * own.references), n_users) if own.pool else n_users
    yield Need(INTEGER * n_users * pool, _cause(config, "selector.pool", "selector.references"), "every user's pool")
    visits = min(own.training_visits or config.training.environments * STEPS, config.training.environments * STEPS)
    cells = visits * own.references * (pool + own.window * own.width)
    keys = ("selector.references", "selector.pool", "selector.window", "selector.width", "training.environments")
    yield Need(FLOAT * cells, _cause(config, *keys), "the selector's visits")


def _sequences(config: ExperimentConfig) -> Iterator[Need]:
    own, batch = config.own(DecisionTransformerConfig), config.own(OfflineConfig).batch_size
    sizes = ("decision_transformer.width", "decision_transformer.layers")
    yield Need(12 * LEARNED * own.layers * own.width**2, _cause(config, *sizes), "the Transformer's layers")
    sequences = max(1, batch // own.context)
    kept = FLOAT * sequences * TOKENS * own.context * own.layers * (12 * own.width + own.heads * TOKENS * own.context)
    keys = ("decision_transformer.context", "offline.batch_size", "decision_transformer.heads", *sizes)
    yield Need(kept, _cause(config, *keys), "a batch of sequences")


def _cause(config: ExperimentConfig, *keys: str) -> str:
    """Return the key whose value is the largest multiple of its default."""
    default = default_config()
    key = max(keys, key=lambda key: _magnitude(value_at(config, key)) / max(_magnitude(value_at(default, key)), 1))
    value = value_at(config, key)
    return f"config key '{key}' is {list(value) if isinstance(value, tuple) else f'{value:,}'}"


def _magnitude(value: float | tuple[int, ...] | None) -> float:
    return float(max(value, default=0)) if isinstance(value, tuple) else float(value or 0)
