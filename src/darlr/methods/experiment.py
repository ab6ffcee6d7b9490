"""The whole config of a run: the sections that every run has, and those that methods add."""

from collections.abc import Mapping
from dataclasses import field, fields, make_dataclass
from functools import cache
from typing import Any

from darlr.agents.networks.trackers import TRACKERS
from darlr.config.constraints import Section
from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import from_mapping, value_at
from darlr.errors import unknown
from darlr.methods.method import Method
from darlr.methods.registry import METHODS
from darlr.registry import Registry
from darlr.rewards.kinds import REWARDS
from darlr.world_model.kinds import WORLD_MODELS, WorldModelKind

CHOICES: Mapping[str, Registry[Any]] = {
    "world_model.kind": WORLD_MODELS,
    "reward.kind": REWARDS,
    "tracker.kind": TRACKERS,
}
"""Settings whose value names an entry of a registry, to which anybody may add."""


def experiment_type() -> type[ExperimentConfig]:
    """Return `ExperimentConfig` with a field for every section that a registered method or world model adds."""
    return _extended(tuple(own_sections()))


def own_sections() -> list[type[Section]]:
    """Return the sections that methods and world models add, each once, without those that every run has."""
    common = {part.default_factory for part in fields(ExperimentConfig)}
    owners: tuple[Method | WorldModelKind, ...] = (*METHODS.values(), *WORLD_MODELS.values())
    listed = dict.fromkeys(section for owner in owners for section in owner.reads)
    return [section for section in listed if section not in common]


@cache
def _extended(sections: tuple[type[Section], ...]) -> type[ExperimentConfig]:
    added = [(section.KEY, section, field(default_factory=section)) for section in sections]
    return make_dataclass("ExperimentConfig", added, bases=(ExperimentConfig,), frozen=True)


def default_config() -> ExperimentConfig:
    """Return the config with every setting at its default."""
    return experiment_type()()


def experiment_config(values: Mapping[str, Any], base: ExperimentConfig | None = None) -> ExperimentConfig:
    """Make the config with the nested `values`; keys that are not given keep the value of `base`, or their default.

    Raises:
        InputError: for unknown keys and names, and for values of another type or outside their limits.
    """
    config = from_mapping(experiment_type(), values, base)
    METHODS[config.method]
    for key, registry in CHOICES.items():
        if (value := value_at(config, key)) not in registry:
            raise unknown(f"value for config key '{key}'", value, registry)
    return config
