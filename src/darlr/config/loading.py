"""Strict loading of settings from mappings and `key=value` overrides, and their stable hash.

Nothing is guessed. An unknown key, a value of another type and a value outside its limits raise `InputError` naming the key.
"""

import dataclasses
import hashlib
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from darlr.config.yaml_text import parse_yaml
from darlr.errors import InputError, unknown
from darlr.text import VALUE, brief, shortened

Config = TypeVar("Config")


def from_mapping(kind: type[Config], values: Mapping[str, Any], base: Config | None = None, prefix: str = "") -> Config:
    """Build the frozen dataclass `kind` from `values`; keys that are not given keep the value of `base`, or the default."""
    if not isinstance(values, Mapping):
        raise InputError(f"config key '{prefix.rstrip('.')}' is {values!r}; expected a mapping of keys to values")
    hints = typing.get_type_hints(kind)
    start = kind() if base is None else base
    changes: dict[str, Any] = {}
    for key, value in values.items():
        if key not in hints:
            raise unknown("config key", f"{prefix}{key}", [prefix + name for name in hints])
        current = getattr(start, key)
        if dataclasses.is_dataclass(current) and not isinstance(current, type):
            changes[key] = from_mapping(hints[key], value, current, f"{prefix}{key}.")
        else:
            changes[key] = _convert(value, hints[key], prefix + key)
    return dataclasses.replace(start, **changes)  # type: ignore[type-var]


def _convert(value: Any, hint: Any, key: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:  # an optional value: null
        return None if value is None else _convert(value, arguments[0], key)
    if origin is typing.Literal:
        if value not in arguments:
            raise unknown(f"value for config key '{key}'", str(value), map(str, arguments))
        return value
    if origin is tuple:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise InputError(f"config key '{key}' is {brief(value)}; expected a list")
        return tuple(_convert(part, arguments[0], key) for part in value)
    if hint is float:
        return _convert_float(value, key)
    if isinstance(hint, type) and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    name = getattr(hint, "__name__", str(hint))
    raise InputError(f"config key '{key}' is {brief(value)}; expected {name}")


def _convert_float(value: Any, key: str) -> float:
    # YAML 1.1 reads 1e-3 as text; people mean the number.
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"config key '{key}' is {brief(value)}; expected a finite number")
    return number


def parse_overrides(pairs: Sequence[str]) -> dict[str, Any]:
    """Turn `["a2c.discount=0.95", ...]` into a nested mapping; values are parsed as YAML."""
    nested: dict[str, Any] = {}
    for pair in pairs:
        path, separator, text = pair.partition("=")
        if not separator or not path:
            raise InputError(f"override '{shortened(pair, VALUE)}': expected KEY=VALUE, as a2c.discount=0.95")
        *parents, leaf = path.strip().split(".")
        level = nested
        for parent in parents:
            level = level.setdefault(parent, {})
            if not isinstance(level, dict):
                raise InputError(f"override '{shortened(pair, VALUE)}': '{parent}' was already given a value")
        if leaf in level:
            raise InputError(f"override '{path}' is given twice")
        level[leaf] = parse_yaml(text, f"override '{shortened(pair, VALUE)}'")
    return nested


def to_mapping(config: Any) -> dict[str, Any]:
    """Return the config as plain nested mappings and lists, the contents of `config.yaml`."""
    return {
        item.name: to_mapping(value) if dataclasses.is_dataclass(value) else list(value) if isinstance(value, tuple) else value
        for item in dataclasses.fields(config)
        for value in [getattr(config, item.name)]
    }


def stable_hash(values: Any) -> str:
    """Hash values to twelve hexadecimal digits, independent of key order, process and platform."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def value_at(config: Any, path: str) -> Any:
    """Return the value at a dotted key of a config, for example `value_at(config, "a2c.discount")`."""
    for name in path.split("."):
        config = getattr(config, name)
    return config


def merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested mappings; where both have a value, the one of `second` counts."""
    merged = dict(first)
    for key, value in second.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def leaf_type(kind: type[Any], path: str) -> type[Any]:
    """Return the type at a dotted key of the config `kind`; for example, `leaf_type(ExperimentConfig, "a2c.discount") is
    float`.

    The type of a list is `tuple`, and that of a choice is `typing.Literal`.

    Raises:
        InputError: for an unknown key, and for a key of a whole section.
    """
    hint, prefix = kind, ""
    for name in path.split("."):
        hints = typing.get_type_hints(hint) if dataclasses.is_dataclass(hint) else {}
        if name not in hints:
            raise unknown("config key", f"{prefix}{name}", [prefix + known for known in hints] or [prefix.rstrip(".")])
        hint, prefix = hints[name], f"{prefix}{name}."
    if dataclasses.is_dataclass(hint):
        raise InputError(f"config key '{path}' has keys of its own; expected one of them, as '{prefix}{_first_field(hint)}'")
    if typing.get_origin(hint) is types.UnionType:
        hint = typing.get_args(hint)[0]
    return typing.get_origin(hint) or hint


def _first_field(kind: Any) -> str:
    return dataclasses.fields(kind)[0].name


def with_settings(values: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nested `values` with `settings` put in at their dotted keys, for example `{"a2c.discount": 0.9}`."""
    merged = dict(values)
    for path, value in settings.items():
        nested = value
        for name in reversed(path.split(".")):
            nested = {name: nested}
        merged = merge(merged, nested)
    return merged
