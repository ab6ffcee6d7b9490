"""The search space of a study: for each setting a range or a list of choices (docs/tuning.md has the grammar).

A method has its own space (`Method.space`), and so has a kind of world model.
"""

import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import leaf_type, value_at, with_settings
from darlr.config.yaml_text import read_yaml
from darlr.data.source import LoadedDataset
from darlr.errors import InputError, unknown
from darlr.methods.experiment import experiment_type
from darlr.methods.registry import METHODS
from darlr.reading import is_file_or_pipe
from darlr.run.resolution import resolve, uncertainty_counts
from darlr.world_model.fitting import resolve_loss
from darlr.world_model.kinds import DEEPFM

WORLD_MODEL = "world-model"
"""The built-in space that belongs to no method."""

RANGE_KEYS = ("low", "high", "log")
UNTUNED = {
    "dataset": "a study has one data set",
    "method": "a study has one method",
    "seed": "a study's seeds are options of their own",
    "data": "it says what is learned from",
    "synthetic": "it says what is learned from",
    "reference_quirks": "trials are measured by it",
    "leave": "trials are measured by it",
    "slate": "trials are measured by it",
    "evaluation": "trials are measured by it",
    "world_model.held_out": "trials are measured by it",
    "training.epochs": "it is the budget, which trials share",
    "training.steps_per_epoch": "it is the budget, which trials share",
    "offline.updates_per_epoch": "it is the budget, which trials share",
}
"""Settings, and sections, that no space may contain."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; whole ones if the setting is whole."""

    low: float
    high: float
    log: bool = False

    @property
    def probes(self) -> tuple[Any, ...]:
        """The values that are checked."""
        return (self.low, self.high)

    @property
    def size(self) -> float:
        """The number of values."""
        return math.inf

    def of(self, probes: tuple[Any, ...], key: str) -> "Range":
        """Return the range between converted ends.

        Raises:
            InputError: if it is empty.
        """
        low, high = probes
        if not low < high:
            raise InputError(f"the range of '{key}' is empty: 'low' is {low!r} and 'high' {high!r}; expected low below high")
        if self.log and low <= 0:
            raise InputError(f"the range of '{key}' is logarithmic, but 'low' is {low!r}; expected it above 0")
        return replace(self, low=low, high=high)

    def holds(self, value: Any) -> bool:
        """Return whether the range contains `value`."""
        return bool(self.low <= value <= self.high)

    def described(self) -> Any:
        """Return the range as its file has it."""
        return {"low": self.low, "high": self.high, **({"log": True} if self.log else {})}


@dataclass(frozen=True)
class Choices:
    """A list of values."""

    values: tuple[Any, ...]

    @property
    def probes(self) -> tuple[Any, ...]:
        """The values that are checked."""
        return self.values

    @property
    def size(self) -> float:
        """The number of values."""
        return len(self.values)

    def of(self, probes: tuple[Any, ...], key: str) -> "Choices":
        """Return these choices, converted.

        Raises:
            InputError: unless there are at least two, all different.
        """
        for index, value in enumerate(probes):
            if value in probes[:index]:
                raise InputError(f"'{key}' has the value {value!r} twice")
        if len(probes) < 2:
            raise InputError(f"'{key}' has {len(probes)} values; expected at least two (one value is set by --set)")
        return Choices(probes)

    def holds(self, value: Any) -> bool:
        """Return whether `value` is one of the choices."""
        return value in self.values

    def described(self) -> Any:
        """Return the choices as their file has them."""
        return [json.loads(json.dumps(value)) for value in self.values]


@dataclass(frozen=True)
class Space:
    """Settings by dotted key, with their possible values.

    Attributes:
        name: the file or the built-in space.
        dimensions: the possible values of each setting.
        built_in: whether settings that the method or the data do not support are left out instead of refused.
    """

    name: str
    dimensions: Mapping[str, Range | Choices]
    built_in: bool = False

    @classmethod
    def of_table(cls, name: str, dataset: str) -> Self:
        """Return the built-in space `name`, one of `spaces()`, for `dataset`."""
        if name == WORLD_MODEL:
            return cls._of(name, DEEPFM.space, built_in=True)
        method = METHODS[name]
        return cls._of(name, {**method.space, **method.spaces.get(dataset, {})}, built_in=True)

    @classmethod
    def find(cls, name: str, dataset: str) -> Self:
        """Return the space of the file `name`, else the built-in one of that name for `dataset`.

        Raises:
            InputError: if there is neither, or the file cannot be used.
        """
        path = Path(name)
        if not is_file_or_pipe(path) and not path.suffix:
            if name not in spaces():
                raise InputError(f"{name}: no such file, and no built-in space of that name (built in: {', '.join(spaces())})")
            return cls.of_table(name, dataset)
        try:
            return cls._of(name, read_yaml(path), built_in=False)
        except InputError as error:
            raise error if str(error).startswith(f"{path}:") else InputError(f"{path}: {error}") from error

    @classmethod
    def _of(cls, name: str, content: Mapping[str, Any], built_in: bool) -> Self:
        flat = dict(_flat(content))
        if not flat:
            raise InputError("the space is empty; expected settings with ranges or choices")
        dimensions = {key: _dimension(key, value) for key, value in flat.items()}
        ours = [key for key in dimensions if _part(key) == "world_model"]
        others = [key for key in dimensions if _part(key) != "world_model"]
        if ours and others:
            raise InputError(
                f"'{ours[0]}' and '{others[0]}' are measured differently; expected settings of the world model alone, or none"
            )
        return cls(name, dimensions, built_in)

    @property
    def of_world_model(self) -> bool:
        """Whether the study tunes the world model."""
        return all(_part(key) == "world_model" for key in self.dimensions)

    @property
    def size(self) -> float:
        """The number of points; infinite with a range."""
        return math.prod(dimension.size for dimension in self.dimensions.values())

    def points(self) -> Iterator[dict[str, Any]]:
        """Yield every point of a space of choices alone."""
        for values in itertools.product(*(dimension.probes for dimension in self.dimensions.values())):
            yield dict(zip(self.dimensions, values, strict=True))

    def fitted(self, values: Mapping[str, Any], loaded: LoadedDataset) -> "Space":
        """Return the space with all values converted, for runs with the other settings `values` on `loaded`.

        A built-in space leaves out the settings that `values` set, that define the method, and that the data do not support.

        Raises:
            InputError: for settings that cannot be used, and if nothing is left.
        """
        config = resolve(values, loaded)
        kept: dict[str, Range | Choices] = {}
        for key, dimension in self.dimensions.items():
            if self.built_in and (_given(values, key) or _idle(key, config, loaded)):
                continue
            try:
                kept[key] = dimension.of(self._converted(key, dimension, values, loaded), key)
            except InputError as error:
                if not self.built_in:
                    raise InputError(f"{self.name}: {error}") from error
        if not kept:
            raise InputError(f"the space '{self.name}' has nothing left to tune here; give one with --space FILE")
        return replace(self, dimensions=kept)

    def _converted(
        self, key: str, dimension: Range | Choices, values: Mapping[str, Any], loaded: LoadedDataset
    ) -> tuple[Any, ...]:
        if _given(values, key):
            raise InputError(f"'{key}' is in the space and set beside it; expected it once")
        found = []
        for value in dimension.probes:
            try:
                found.append(value_at(resolve(with_settings(values, {key: value}), loaded), key))
            except InputError:
                if not (self.built_in and isinstance(dimension, Choices)):
                    raise
        return tuple(found)

    def point_of(self, config: ExperimentConfig) -> dict[str, Any] | None:
        """Return the settings of `config`, if they lie in the space."""
        point = {key: value_at(config, key) for key in self.dimensions}
        return point if all(self.dimensions[key].holds(value) for key, value in point.items()) else None

    def described(self) -> dict[str, Any]:
        """Return the space as its file would have it."""
        return {key: dimension.described() for key, dimension in self.dimensions.items()}


def spaces() -> list[str]:
    """Return the names of the built-in spaces: those of methods, and that of the world model."""
    return [*(name for name, method in METHODS.items() if method.space), WORLD_MODEL]


def _dimension(key: str, value: Any) -> Range | Choices:
    kind = leaf_type(experiment_type(), key)
    for untuned, why in UNTUNED.items():
        if key == untuned or key.startswith(f"{untuned}."):
            raise InputError(f"'{key}' cannot be tuned: {why}")
    if isinstance(value, list):
        if not value:
            raise InputError(f"'{key}' has no values; expected at least two")
        return Choices(tuple(value))
    if not isinstance(value, Mapping):
        raise InputError(f"'{key}' is {value!r}; expected a list of choices, or a range like {{low: 1, high: 8}}")
    for part in value:
        if part not in RANGE_KEYS:
            raise unknown(f"key of the range of '{key}'", str(part), RANGE_KEYS)
    for part in ("low", "high"):
        if part not in value:
            raise InputError(f"the range of '{key}' has no '{part}'; expected 'low' and 'high'")
    if kind not in (int, float):
        raise InputError(f"'{key}' is no number, so it has no range; expected a list of choices")
    if not isinstance(value.get("log", False), bool):
        raise InputError(f"'log' of the range of '{key}' is {value['log']!r}; expected true or false")
    return Range(value["low"], value["high"], value.get("log", False))


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dimensions by dotted key, from dotted or nested ones; a mapping with a range's keys is a range."""
    for name, value in content.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and value and not value.keys() & set(RANGE_KEYS):
            yield from _flat(value, f"{key}.")
        else:
            yield key, value


def _part(key: str) -> str:
    return key.split(".", maxsplit=1)[0]


def _given(values: Mapping[str, Any], key: str) -> bool:
    """Return whether the nested `values` set the dotted `key`."""
    found: Any = values
    for name in key.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return False
        found = found[name]
    return True


def _idle(key: str, config: ExperimentConfig, loaded: LoadedDataset) -> bool:
    """Return whether the setting has no effect here."""
    match key:
        case "world_model.negatives_per_row":
            return resolve_loss(config.world_model, loaded.dataset) == "logged"
        case "reward.entropy_weight":
            return loaded.dataset.log.times is None
        case "reward.uncertainty_weight":
            return not uncertainty_counts(config)
    return METHODS[config.method].idle(key, config)
