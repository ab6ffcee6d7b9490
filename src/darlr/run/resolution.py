"""How a run's settings are put together, when they are refused, and which of them have no effect."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from darlr.config.constraints import Section
from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import merge, value_at, with_settings
from darlr.data.dataset import Dataset
from darlr.data.sessions import sessions_of
from darlr.data.source import LoadedDataset
from darlr.errors import InputError
from darlr.evaluation.opponents import chosen_opponents
from darlr.memory import require_fits
from darlr.methods.experiment import default_config, experiment_config
from darlr.methods.method import Method
from darlr.methods.registry import METHODS
from darlr.methods.ways import Ways
from darlr.rewards.entropy import require_countable
from darlr.run.choosing import method_of, ways_of
from darlr.run.needs import needs
from darlr.world.settings import LeaveConfig
from darlr.world_model.kinds import FACTORS, WORLD_MODELS, WorldModelKind
from darlr.world_model.leaving.returning import logged_pauses

DEFAULT, DATA_SET, METHOD, REFERENCES, GIVEN, LOG = (
    "default",
    "data set",
    "method",
    "reference_quirks",
    "given",
    "log",
)
"""The origins of a setting's value; a later one overrides an earlier one."""


@dataclass(frozen=True)
class Layer:
    """Settings of one origin: its name, and the nested values."""

    name: str
    values: Mapping[str, Any]


def layers(values: Mapping[str, Any], dataset: Dataset) -> list[Layer]:
    """Return the layers of a run's config on `dataset`, in order; later ones override earlier ones."""
    base = replace(default_config(), leave=dataset.leave)
    asked = experiment_config(values, base)
    method, imposed = method_of(asked), ways_of(asked).imposed(asked.method, dataset.name)
    return [
        Layer(DATA_SET, {"leave": {field.name: getattr(dataset.leave, field.name) for field in fields(dataset.leave)}}),
        Layer(METHOD, with_settings(method.settings(dataset), method.fixed)),
        Layer(REFERENCES, with_settings(imposed.published, imposed.fixed)),
        Layer(GIVEN, values),
    ]


def resolve(values: Mapping[str, Any], loaded: LoadedDataset) -> ExperimentConfig:
    """Return the whole config of a run: defaults, then the data set's leave rule, the method's published settings, then
    `values`.

    The settings that `reference_quirks` imposes come after the published ones. Settings of the world model that depend on
    the log, for example its batch size, are filled in unless `values` give them.

    Raises:
        InputError: for unknown keys or methods, values outside their limits, options that contradict the method or the
            data, and a run that cannot fit into the memory.
    """
    dataset = loaded.dataset
    settings: Mapping[str, Any] = {}
    for layer in layers(values, dataset):
        settings = merge(settings, layer.values)
    config = experiment_config(settings)
    method, ways = method_of(config), ways_of(config)
    _require_as_set(config, method.fixed, f"method '{method.name}' is defined by")
    _require_as_set(config, ways.imposed(method.name, dataset.name).fixed, "'reference_quirks' sets it to")
    if method.reward == "truth" and loaded.truth is None:
        raise InputError(f"method '{method.name}' learns from the truth, but the data set has none")
    world_model = WORLD_MODELS[config.world_model.kind].resolve(config.world_model, dataset)
    _require_consistent(config, dataset, method, ways)
    _require_returns(config, loaded)
    resolved = replace(config, world_model=world_model)
    require_fits(needs(resolved, dataset, method))
    return resolved


def unread_settings(config: ExperimentConfig) -> list[str]:
    """Return keys whose value is not the default, although neither the run's method nor its world model reads them."""
    default = default_config()
    # The opponents read the factor model's settings, whatever the run's own world model.
    own = {*METHODS[config.method].reads, *WORLD_MODELS[config.world_model.kind].reads, *FACTORS.reads}
    owners: tuple[Method | WorldModelKind, ...] = (*METHODS.values(), *WORLD_MODELS.values())
    others = dict.fromkeys(section for owner in owners for section in owner.reads if section not in own)
    keys = [f"{section.KEY}.{name}" for section in others for name in _names(section)]
    return [key for key in keys if value_at(config, key) != value_at(default, key)]


def _names(section: type[Section]) -> list[str]:
    return [field.name for field in fields(section)]  # type: ignore[arg-type]


def uncertainty_counts(config: ExperimentConfig) -> bool:
    """Return whether 'reward.uncertainty_weight' has an effect; not if shaping by neighbours leaves no uncertainty."""
    return ways_of(config).hidden_penalty or method_of(config).penalised(config) != "none"


def _require_as_set(config: ExperimentConfig, fixed: Mapping[str, Any], why: str) -> None:
    for key, value in fixed.items():
        if value_at(config, key) != value:
            raise InputError(f"config key '{key}' is {value_at(config, key)!r}, but {why} {value!r}")


def _require_consistent(config: ExperimentConfig, dataset: Dataset, method: Method, ways: Ways) -> None:
    categories = dataset.items.n_categories
    if config.leave.by == "category" and not categories:
        raise InputError("config key 'leave.by' is 'category', but the data set's items have no categories")
    if config.leave.by == "learned":
        if config.slate.active:
            raise InputError(
                "config key 'leave.by' is 'learned', but the hazard knows steps of one item, and 'slate.*' sets another game; "
                "expected 'category', 'distance' or 'never', or the defaults of 'slate.*'"
            )
        sessions_of(dataset.log, config.leave.session_gap)  # refuses a log without sessions
    elif config.leave.session_gap != LeaveConfig.session_gap and not config.evaluation.horizon:
        raise InputError(
            f"config key 'leave.session_gap' is {config.leave.session_gap:g}, but 'leave.by' is '{config.leave.by}', which "
            f"reads no sessions; expected the default, {LeaveConfig.session_gap:g}"
        )
    if config.neighbours.users > dataset.world.n_users:
        raise InputError(
            f"config key 'neighbours.users' is {config.neighbours.users}, but the world has {dataset.world.n_users} users; "
            "expected at most that many"
        )
    _require_known_uncertainty(config, method)
    ways.check(config, dataset, method.offline)
    method.check(config, dataset)
    chosen_opponents(config.evaluation.opponents, dataset)
    for order in config.reward.entropy_orders if config.reward.entropy_weight and dataset.log.times is not None else ():
        require_countable(order, dataset.log.n_items)
    if config.policy.category_window and not categories:
        raise InputError("config key 'policy.category_window' needs items with categories, but the data set has none")
    if config.synthetic != ExperimentConfig().synthetic and config.dataset != "synthetic":
        raise InputError(f"config keys 'synthetic.*' shape the data set 'synthetic', but the data set is '{config.dataset}'")
    longest = max(config.leave.max_steps, 10) * config.slate.size  # NX_10 always takes ten steps
    if dataset.world.n_items < longest:
        smaller = "'leave.max_steps'" if config.slate.size == 1 else "'slate.size' or 'leave.max_steps'"
        raise InputError(
            f"an episode without repeats recommends up to {longest} items, but the test world has {dataset.world.n_items}; "
            f"expected more items or a smaller {smaller}"
        )


def _require_returns(config: ExperimentConfig, loaded: LoadedDataset) -> None:
    """Refuse a test over several visits if nothing says when users return."""
    if not config.evaluation.horizon:
        return
    if loaded.truth is None:
        raise InputError(
            f"config key 'evaluation.horizon' is {config.evaluation.horizon:g}, but the data set has no truth to play visits "
            "in; expected 0"
        )
    if loaded.truth.returns is None:
        logged_pauses(loaded.dataset, config.leave.session_gap)


def _require_known_uncertainty(config: ExperimentConfig, method: Method) -> None:
    """Refuse a penalty on the uncertainty of a world model that has none."""
    uncertain = WORLD_MODELS[config.world_model.kind].uncertain(config.world_model)
    if not uncertain and config.reward.uncertainty_weight and method.penalised(config) == "model":
        raise InputError(
            f"config key 'reward.uncertainty_weight' is {config.reward.uncertainty_weight:g}, but a world model with the error "
            "'squared' has no uncertainty; expected 0, or 'world_model.error' to be 'gaussian'"
        )
