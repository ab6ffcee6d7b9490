"""How a run's settings are put together, what they are refused for, and which of them change nothing."""

from collections.abc import Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any, Literal

from darlr.config.loading import from_mapping, merge, value_at, with_settings
from darlr.config.schema import ExperimentConfig, NeighbourUncertainty, SelectorConfig
from darlr.data.dataset import Dataset
from darlr.data.source import LoadedDataset
from darlr.errors import InputError
from darlr.methods.table import Recipe, recipe_of
from darlr.references.settings import QuirkSettings, quirk_settings
from darlr.rewards.entropy import require_countable
from darlr.world_model.fitting import held_out_rows, resolve_batch_size, resolve_loss

_OFFLINE = ("sqn", "bcq", "cql", "crr")
_READ_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "a2c": ("a2c", "darlr"),
        "selector": ("darlr",),
        "refinement": ("darlr",),
        "offline": _OFFLINE,
        **{learner: (learner,) for learner in (*_OFFLINE, "static")},
    }
)
"""The parts of the settings that belong to learners, and to which."""


def resolve(values: Mapping[str, Any], loaded: LoadedDataset) -> ExperimentConfig:
    """The whole config of a run: defaults, then the data set's leave rule, the method's published settings, then `values`.

    With `reference_quirks`, what it sets comes after the published settings.
    The world model's batch size is that which the log's rows ask for, where `values` leave it open.

    Raises:
        InputError: for unknown keys or methods, values out of their limits, and options that contradict the method or the
            data.
    """
    dataset = loaded.dataset
    base = replace(ExperimentConfig(), leave=dataset.leave)
    asked = from_mapping(ExperimentConfig, values, base)
    recipe = recipe_of(asked.method)
    quirks = quirk_settings(recipe.name, dataset.name) if asked.reference_quirks else QuirkSettings({}, {})
    settings = merge(_fitted_to(dataset, recipe), quirks.published)
    settings = with_settings(settings, {**recipe.fixed, **quirks.fixed})
    config = from_mapping(ExperimentConfig, values, from_mapping(ExperimentConfig, settings, base))
    _require_as_set(config, recipe.fixed, f"method '{recipe.name}' is defined by")
    _require_as_set(config, quirks.fixed, "'reference_quirks' sets it to")
    if recipe.reward == "truth" and loaded.truth is None:
        raise InputError(f"method '{recipe.name}' learns from the truth, but the data set has none")
    resolve_loss(config.world_model, dataset)
    held_out_rows(config.world_model, len(dataset.log))
    _require_consistent(config, dataset)
    batch_size = resolve_batch_size(config.world_model, len(dataset.log))
    return replace(config, world_model=replace(config.world_model, batch_size=batch_size))


def unread_settings(config: ExperimentConfig) -> list[str]:
    """Keys that are set to another value than their default, but belong to learners that are not the method's."""
    default, learner = ExperimentConfig(), recipe_of(config.method).learner
    keys = [
        f"{part}.{setting.name}"
        for part, learners in _READ_BY.items()
        if learner not in learners
        for setting in fields(value_at(config, part))
    ]
    return [key for key in keys if value_at(config, key) != value_at(default, key)]


def uncertainty_counts(config: ExperimentConfig) -> bool:
    """Whether 'reward.uncertainty_weight' changes anything: not where shaping by neighbours leaves no uncertainty.

    With the references' quirks it does even there: what is paid is shifted by the unshaped uncertainty, times the weight.
    """
    return config.reference_quirks or _penalty(config) != "none"


def _penalty(config: ExperimentConfig) -> Literal["dynamic"] | NeighbourUncertainty:
    """What is penalised: DARLR's change of the estimates ("dynamic"), or the uncertainty that `NeighbourConfig` speaks of."""
    if recipe_of(config.method).learner == "darlr" and config.refinement.penalty == "dynamic":
        return "dynamic"
    return config.neighbours.uncertainty if config.neighbours.users else "model"


def _require_as_set(config: ExperimentConfig, fixed: Mapping[str, Any], why: str) -> None:
    for key, value in fixed.items():
        if value_at(config, key) != value:
            raise InputError(f"config key '{key}' is {value_at(config, key)!r}, but {why} {value!r}")


def _fitted_to(dataset: Dataset, recipe: Recipe) -> Mapping[str, Any]:
    """The recipe's published settings, less what the data lack: neighbours and references in a small world, categories."""
    settings, n_users = recipe.published.get(dataset.name, recipe.published.get("", {})), dataset.world.n_users
    fitted: dict[str, Any] = {}
    if recipe.learner == "darlr":
        fitted["selector"] = {"references": max(1, min(SelectorConfig().references, n_users - 1))}
    if neighbours := settings.get("neighbours"):
        fitted["neighbours"] = {"users": min(neighbours["users"], n_users)}
    if "policy" in settings and not dataset.items.n_categories:
        fitted["policy"] = {"category_window": 0}
    return merge(settings, fitted)


def _require_consistent(config: ExperimentConfig, dataset: Dataset) -> None:
    categories = dataset.items.n_categories
    if config.leave.by == "category" and not categories:
        raise InputError("config key 'leave.by' is 'category', but the data set's items have no categories")
    if config.method == "roler" and not config.neighbours.users:
        raise InputError(
            "config key 'neighbours.users' is 0, but method 'roler' is defined by its neighbours; expected at least 1"
        )
    if config.neighbours.users > dataset.world.n_users:
        raise InputError(
            f"config key 'neighbours.users' is {config.neighbours.users}, but the world has {dataset.world.n_users} users; "
            "expected at most that many"
        )
    if recipe_of(config.method).learner == "darlr" and config.selector.references > dataset.world.n_users - 1:
        raise InputError(
            f"config key 'selector.references' is {config.selector.references}, but a user of the world has "
            f"{dataset.world.n_users - 1} others; expected at most that many"
        )
    _require_known_uncertainty(config)
    if config.reference_quirks and config.data.missing_truth == "masked":
        raise InputError(
            "config key 'data.missing_truth' is 'masked', but the references' masks ('reference_quirks') take what may not be "
            "recommended for what an episode has had; expected 'zero'"
        )
    if recipe_of(config.method).offline:
        _require_replayable(config, dataset)
    for order in config.reward.entropy_orders if config.reward.entropy_weight and dataset.log.times is not None else ():
        require_countable(order, dataset.log.n_items)
    if config.policy.category_window and not categories:
        raise InputError("config key 'policy.category_window' needs items with categories, but the data set has none")
    if config.synthetic != ExperimentConfig().synthetic and config.dataset != "synthetic":
        raise InputError(f"config keys 'synthetic.*' shape the data set 'synthetic', but the data set is '{config.dataset}'")
    longest = max(config.leave.max_steps, 10)  # NX_10 always takes ten steps
    if dataset.world.n_items < longest:
        raise InputError(
            f"an episode without repeats recommends up to {longest} items, but the test world has {dataset.world.n_items}; "
            "expected more items or a smaller 'leave.max_steps'"
        )


def _require_replayable(config: ExperimentConfig, dataset: Dataset) -> None:
    if config.reference_quirks and dataset.log.rewards.min() == dataset.log.rewards.max():
        raise InputError(
            f"with config key 'reference_quirks' the states of method '{config.method}' have rewards normalised by the log's "
            "range, but every logged reward is the same; expected rewards that differ"
        )
    for key, default in (("head", "linear"), ("prior_weight", 0.0), ("category_window", 0)):
        if getattr(config.policy, key) != default:
            raise InputError(
                f"config key 'policy.{key}' is {getattr(config.policy, key)!r}, but the heads of method '{config.method}' are "
                f"plain linear ones; expected {default!r}"
            )
    if config.tracker.user_state and config.offline.users == "all" and dataset.world.n_users < dataset.log.n_users:
        raise InputError(
            f"config key 'tracker.user_state' is true, but the log has {dataset.log.n_users - dataset.world.n_users} users "
            "whom the test world lacks, and whose rows are replayed; expected 'offline.users' to be 'world'"
        )


def _require_known_uncertainty(config: ExperimentConfig) -> None:
    """A world model without a variance cannot be penalised for it."""
    if config.world_model.error == "squared" and config.reward.uncertainty_weight and _penalty(config) == "model":
        raise InputError(
            f"config key 'reward.uncertainty_weight' is {config.reward.uncertainty_weight:g}, but a world model with the error "
            "'squared' has no uncertainty; expected 0, or 'world_model.error' to be 'gaussian'"
        )
