"""The grid of a sweep, read from YAML (docs/sweeps.md has the grammar)."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self, TypeVar

from darlr.config.loading import leaf_type, with_settings
from darlr.config.yaml_text import read_yaml
from darlr.errors import InputError, unknown
from darlr.methods.experiment import experiment_type
from darlr.text import brief

Kind = TypeVar("Kind", int, str)

KEYS = ("datasets", "methods", "seeds", "set", "vary", "for")
OVERRIDE_KEYS = ("datasets", "methods", "set", "vary")
MOST_CELLS = 100_000
AXES_OF_THEIR_OWN = {"dataset": "datasets", "method": "methods", "seed": "seeds"}


@dataclass(frozen=True)
class Point:
    """One cell of a grid as the file describes it.

    Attributes:
        values: the settings, as for `darlr train --config`.
        varied: the settings that differ from other cells of its data set and method, by dotted key.
        alone: the key of `vary` that the cell is for, if any.
    """

    values: Mapping[str, Any]
    varied: Mapping[str, Any]
    alone: str | None = None

    @property
    def label(self) -> str:
        """Data set, method, seed and the varied settings, in a line."""
        words = [self.values["dataset"], self.values["method"], f"seed {self.values['seed']}"]
        return " ".join([*words, *(f"{key}={_brief(value)}" for key, value in self.varied.items())])


@dataclass(frozen=True)
class _Settings:
    """Settings by dotted key with their values: `crossed` with each other, `alone` one at a time."""

    crossed: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    alone: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def over(self, later: "_Settings") -> "_Settings":
        """Return these settings, overridden by those of `later`; a single value under `set` stays as the base of varied
        ones.
        """
        crossed = {key: values for key, values in self.crossed.items() if len(values) == 1 or key not in later.alone}
        alone = {key: values for key, values in self.alone.items() if key not in later.crossed}
        return _Settings({**crossed, **later.crossed}, {**alone, **later.alone})

    @property
    def size(self) -> int:
        """The number of points."""
        return math.prod(map(len, self.crossed.values())) * (sum(map(len, self.alone.values())) if self.alone else 1)

    def points(self, start: Mapping[str, Any]) -> Iterator[Point]:
        """Yield `start` with every choice of values; with keys to vary, the crossed ones alone are not a choice."""
        several = [key for key, values in self.crossed.items() if len(values) > 1]
        for values in itertools.product(*self.crossed.values()):
            crossed = dict(zip(self.crossed, values, strict=True))
            varied = {key: crossed[key] for key in several}
            if not self.alone:
                yield Point(with_settings(start, crossed), varied)
            for key, choices in self.alone.items():
                for value in choices:
                    yield Point(with_settings(start, {**crossed, key: value}), {**varied, key: value}, key)


@dataclass(frozen=True)
class _Override:
    """Settings for some data sets and methods; empty names mean all."""

    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    settings: _Settings

    def concerns(self, dataset: str, method: str) -> bool:
        return (not self.datasets or dataset in self.datasets) and (not self.methods or method in self.methods)


@dataclass(frozen=True)
class Grid:
    """Data sets, methods and seeds, and their settings."""

    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    settings: _Settings
    overrides: tuple[_Override, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a grid.

        Raises:
            InputError: naming the file and the key that cannot be used.
        """
        try:
            return cls._of(read_yaml(path))
        except InputError as error:
            raise error if str(error).startswith(f"{path}:") else InputError(f"{path}: {error}") from error

    @classmethod
    def _of(cls, content: Mapping[str, Any]) -> Self:
        _require_known(content, KEYS)
        datasets, methods = _names(content, "datasets"), _names(content, "methods")
        seeds = _listed(content.get("seeds", 0), "seeds", int)
        entries = content.get("for", [])
        if not isinstance(entries, list):
            raise InputError(f"'for' is {entries!r}; expected a list of entries with 'datasets', 'methods' and 'set'")
        overrides = tuple(
            _override(entry, f"entry {number} of 'for'", datasets, methods) for number, entry in enumerate(entries, 1)
        )
        return cls(datasets, methods, seeds, _settings(content), overrides)

    def points(self) -> list[Point]:
        """Return every cell, all of the first seed before those of the next.

        Raises:
            InputError: for more than `MOST_CELLS`.
        """
        pairs = itertools.product(self.datasets, self.methods)
        cells = len(self.seeds) * sum(self._settings_of(dataset, method).size for dataset, method in pairs)
        if cells > MOST_CELLS:
            raise InputError(f"the grid has {brief(cells)} cells; expected at most {MOST_CELLS:,}")
        return [
            point
            for seed in self.seeds
            for dataset in self.datasets
            for method in self.methods
            for point in self._settings_of(dataset, method).points({"dataset": dataset, "method": method, "seed": seed})
        ]

    def _settings_of(self, dataset: str, method: str) -> _Settings:
        settings = self.settings
        for override in self.overrides:
            if override.concerns(dataset, method):
                settings = settings.over(override.settings)
        return settings


def _override(entry: Any, place: str, datasets: Sequence[str], methods: Sequence[str]) -> _Override:
    if not isinstance(entry, Mapping):
        raise InputError(f"{place} is {entry!r}; expected a mapping with 'datasets', 'methods' and 'set'")
    try:
        _require_known(entry, OVERRIDE_KEYS)
        names = {key: _names(entry, key) if key in entry else () for key in ("datasets", "methods")}
        for key, grid in (("datasets", datasets), ("methods", methods)):
            for name in names[key]:
                if name not in grid:
                    raise unknown(f"name in '{key}'", name, grid)
        if not {"set", "vary"} & entry.keys():
            raise InputError("nothing is set; expected 'set' or 'vary'")
        return _Override(names["datasets"], names["methods"], _settings(entry))
    except InputError as error:
        raise InputError(f"{place}: {error}") from error


def _settings(content: Mapping[str, Any]) -> _Settings:
    crossed, alone = (
        {key: _choices(key, value, part) for key, value in _flat(content.get(part, {}), part).items()}
        for part in ("set", "vary")
    )
    both = sorted(crossed.keys() & alone.keys())
    if both and len(crossed[both[0]]) > 1:
        raise InputError(f"'{both[0]}' has several values under 'set' and under 'vary'; expected one place")
    return _Settings(crossed, alone)


def _flat(values: Any, part: str) -> dict[str, Any]:
    """Return settings by dotted key, from dotted or nested ones."""
    if not isinstance(values, Mapping):
        raise InputError(f"'{part}' is {values!r}; expected a mapping from config keys to values")
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if not isinstance(key, str):
            raise unknown("config key", str(key), [item.name for item in fields(experiment_type())])
        inner = (
            {f"{key}.{name}": part for name, part in _flat(value, part).items()} if isinstance(value, Mapping) else {key: value}
        )
        for name, entry in inner.items():
            if name in flat:
                raise InputError(f"'{name}' is given twice under '{part}'")
            flat[name] = entry
    return flat


def _choices(key: str, value: Any, part: str) -> tuple[Any, ...]:
    """Return the values of a key. A list is an axis; for list-valued keys, only a list of lists is."""
    if key in AXES_OF_THEIR_OWN:
        raise InputError(f"'{key}' cannot be under '{part}'; expected it under '{AXES_OF_THEIR_OWN[key]}'")
    if leaf_type(experiment_type(), key) is tuple:
        axis = isinstance(value, list) and any(isinstance(part, list) for part in value)
    else:
        axis = isinstance(value, list)
    choices = tuple(value) if axis else (value,)
    if not choices:
        raise InputError(f"'{key}' has no values; expected at least one")
    for index, choice in enumerate(choices):
        if choice in choices[:index]:
            raise InputError(f"'{key}' has the value {choice!r} twice")
    return choices


def _names(content: Mapping[str, Any], key: str) -> tuple[str, ...]:
    if key not in content:
        raise InputError(f"'{key}' is missing; expected one name or a list of names")
    return _listed(content[key], key, str)


def _listed(value: Any, key: str, kind: type[Kind]) -> tuple[Kind, ...]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise InputError(f"'{key}' is empty; expected at least one")
    for index, part in enumerate(values):
        if type(part) is not kind:
            what = "a name or a list of names" if kind is str else "a whole number or a list of them"
            raise InputError(f"'{key}' has {part!r}; expected {what}")
        if part in values[:index]:
            raise InputError(f"'{key}' has {part!r} twice")
    return tuple(values)


def _require_known(content: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in content:
        if key not in known:
            raise unknown("sweep key", str(key), known)


def _brief(value: Any) -> str:
    return str(value).replace(" ", "").lower() if isinstance(value, bool) else str(value).replace(" ", "")
