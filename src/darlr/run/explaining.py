"""The meaning, the origin and the limits of every setting of a run."""

import json
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from darlr.config.constraints import Setting, documented
from darlr.config.loading import value_at
from darlr.data.registry import SOURCES
from darlr.data.source import LoadedDataset
from darlr.methods.experiment import CHOICES, default_config, experiment_type
from darlr.methods.method import Method
from darlr.methods.registry import METHODS
from darlr.run.resolution import DEFAULT, LOG, layers, resolve
from darlr.world_model.kinds import WORLD_MODELS, WorldModelKind

NAMES: Mapping[str, Mapping[str, Any]] = {"method": METHODS, **CHOICES}


@dataclass(frozen=True)
class Explained:
    """A setting of a run.

    Attributes:
        key: dotted, as `--set` takes it.
        value: its value.
        origin: the origin of the value: the default, the data set, the method, `reference_quirks`, the user's input, or the
            log.
        limits: its limits in words; empty if it has none.
        doc: its meaning.
    """

    key: str
    value: Any
    origin: str
    limits: str
    doc: str


def explain(values: Mapping[str, Any], loaded: LoadedDataset | None) -> list[Explained]:
    """Return every setting of the run that the nested `values` describe on `loaded`; without a data set, the defaults.

    Raises:
        InputError: as `resolve`.
    """
    config = default_config() if loaded is None else resolve(values, loaded)
    origins: dict[str, str] = {}
    for layer in [] if loaded is None else layers(values, loaded.dataset):
        origins.update(dict.fromkeys(_dotted(layer.values), layer.name))
    found = []
    for key, hint, setting in documented(experiment_type()):
        value, origin = value_at(config, key), origins.get(key, DEFAULT)
        if origin == DEFAULT and value != value_at(default_config(), key):
            origin = LOG  # for example the batch size, which depends on the log's rows
        found.append(Explained(key, value, origin, limits_in_words(key, hint, setting), setting.doc))
    return found


def limits_in_words(key: str, hint: Any, setting: Setting) -> str:
    """Return the allowed values of a setting of the type `hint`; the names in a registry are listed."""
    if typing.get_origin(hint) is types.UnionType:
        return f"{setting.limits}, or null"
    if choices := _choices(key, hint):
        return " | ".join(json.dumps(choice) if isinstance(choice, bool) else str(choice) for choice in choices)
    words = setting.limits
    if setting.multiple_of:
        words = ", ".join(part for part in (f"a multiple of {setting.multiple_of}", setting.limits) if part)
    if typing.get_origin(hint) is tuple:
        each = f"each {words}" if words else ""
        return ", ".join(part for part in ("a list", each, "one or more" if setting.filled else "") if part)
    return words


def _choices(key: str, hint: Any) -> Sequence[Any]:
    if key in NAMES:
        return list(NAMES[key])
    if typing.get_origin(hint) is typing.Literal:
        return typing.get_args(hint)
    return (True, False) if hint is bool else ()


def _dotted(values: Mapping[str, Any], prefix: str = "") -> Iterable[str]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{prefix}{name}.")
        else:
            yield prefix + name


_JSON_TYPES = {int: "integer", float: "number", str: "string", bool: "boolean"}


def json_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a YAML file for `darlr train --config`, for editors."""
    properties: dict[str, Any] = {}
    for key, hint, setting in documented(experiment_type()):
        *sections, name = key.split(".")
        level = properties
        for section in sections:
            empty = {"type": "object", "additionalProperties": False, "properties": {}}
            level = level.setdefault(section, empty)["properties"]
        level[name] = _described(key, hint, setting)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of a darlr run",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _described(key: str, hint: Any, setting: Setting) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": setting.doc,
        "default": json.loads(json.dumps(value_at(default_config(), key))),
    }
    bounds = {
        "minimum": setting.at_least,
        "maximum": setting.at_most,
        "exclusiveMinimum": setting.above,
        "exclusiveMaximum": setting.below,
    }
    limits = {name: bound for name, bound in bounds.items() if bound is not None}
    if typing.get_origin(hint) is types.UnionType:
        return {**described, "type": [_JSON_TYPES[typing.get_args(hint)[0]], "null"], **limits}
    if typing.get_origin(hint) is tuple:
        items = {"type": _JSON_TYPES[typing.get_args(hint)[0]], **limits}
        least = {"minItems": 1} if setting.filled else {}
        return {**described, "type": "array", "items": items, "uniqueItems": setting.distinct, **least}
    if choices := _choices(key, hint):
        examples = list(SOURCES) if key == "dataset" else list(choices)
        return {**described, "enum": examples}
    return {**described, "type": _JSON_TYPES[hint], **limits}


def reference_page() -> str:
    """Return the text of docs/settings.md: every setting with its default, limits and meaning, and the methods that read a
    section.
    """
    lines = [
        "# Settings",
        "",
        "Set one with `--set KEY=VALUE`, or several in a YAML file with `--config`.",
        "`darlr config --method M --dataset D` prints a run's values and where each comes from.",
        "`darlr config --schema` prints a JSON schema for editors. `darlr config --reference` prints this page.",
    ]
    readers: dict[str, list[str]] = {}
    owners: tuple[Method | WorldModelKind, ...] = (*METHODS.values(), *WORLD_MODELS.values())
    for owner in owners:
        for section in owner.reads:
            readers.setdefault(section.KEY, []).append(owner.name)
    current = None
    for entry in explain({}, None):
        part = entry.key.rpartition(".")[0]
        if part != current:
            current = part
            read_by = [f"Read by {', '.join(readers[part])}.", ""] if part in readers else []
            lines += [
                "",
                f"## {part or 'run'}",
                "",
                *read_by,
                "| key | default | may be | what |",
                "| --- | --- | --- | --- |",
            ]
        shown = list(entry.value) if isinstance(entry.value, tuple) else entry.value
        limits = f"`{entry.limits.replace(' | ', ', ')}`" if " | " in entry.limits else entry.limits  # choices are code
        lines.append(f"| `{entry.key}` | `{json.dumps(shown)}` | {limits} | {entry.doc.replace('|', '/')} |")
    return "\n".join(lines) + "\n"
