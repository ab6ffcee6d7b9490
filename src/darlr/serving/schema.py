"""The one reading of requests as plain values, for files of JSON and for bodies of HTTP requests."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, get_args

import numpy as np

from darlr.errors import InputError
from darlr.serving.messages import ANYBODY, NewItem, OnUnknown, Past, Request
from darlr.text import brief


@dataclass(frozen=True)
class Field:
    """A key of an object.

    Attributes:
        holds: returns whether a value is allowed.
        expected: the allowed values in words.
        schema: the same as a JSON schema, with a description.
    """

    holds: Callable[[Any], bool]
    expected: str
    schema: Mapping[str, Any]


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number that a float can hold; true and false are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False


def is_id(value: Any) -> bool:
    """Return whether a value may be an id: text that is not empty, or a number."""
    return (isinstance(value, str) and value != "") or is_number(value)


def _list_of(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(holds, value))


def _is_described(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(part, (str, bool)) or is_number(part) for part in value.values())


ID = MappingProxyType({"anyOf": [{"type": "string", "minLength": 1}, {"type": "number"}]})
_IDS = {"type": "array", "items": dict(ID)}
_FLAG = {"type": "boolean"}


def _flag(describing: str, default: bool) -> Field:
    schema = {**_FLAG, "default": default, "description": describing}
    return Field(lambda value: isinstance(value, bool), "true or false", schema)


def _choice(values: Sequence[str], describing: str, default: str) -> Field:
    schema = {"type": "string", "enum": list(values), "default": default, "description": describing}
    return Field(lambda value: value in values, f"one of {', '.join(values)}", schema)


def _ids(describing: str, many: str = "item ids") -> Field:
    return Field(_list_of(is_id), f"a list of {many}", {**_IDS, "description": describing})


def _features(describing: str) -> Field:
    some = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
    return Field(
        lambda value: value is None or _is_described(value),
        "an object of texts and numbers, or null",
        {"anyOf": [some, {"type": "null"}], "description": describing},
    )


def object_schema(fields: Mapping[str, Field], required: Sequence[str] = ()) -> dict[str, Any]:
    """Return the JSON schema of an object with these keys and no others."""
    properties = {name: dict(field.schema) for name, field in fields.items()}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


NEW_ITEM: Mapping[str, Field] = MappingProxyType(
    {
        "item": Field(is_id, "an id", {**ID, "description": "an id that the log lacks"}),
        "categories": Field(
            lambda value: value is None or (isinstance(value, list) and all(isinstance(name, str) for name in value)),
            "a list of names or null",
            {
                "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}],
                "description": "names of its categories; null or absent: not known",
            },
        ),
        "features": _features("features of the item, by name"),
    }
)
"""The keys of a new item, which are the attributes of `NewItem`."""

REQUEST: Mapping[str, Field] = MappingProxyType(
    {
        "user": Field(
            lambda value: value is None or is_id(value),
            "an id or null",
            {"anyOf": [*ID["anyOf"], {"type": "null"}], "description": "the user; null or absent: a new user"},
        ),
        "items": _ids("what was recommended to the user lately, oldest first; not recommended again"),
        "rewards": Field(
            _list_of(is_number),
            "a list of numbers",
            {"type": "array", "items": {"type": "number"}, "description": "what the user gave each of the items"},
        ),
        "candidates": Field(
            lambda value: value is None or _list_of(is_id)(value),
            "a list of item ids or null",
            {"anyOf": [_IDS, {"type": "null"}], "description": "the only items to rank; null or absent: all"},
        ),
        "exclude": _ids("items that must not be recommended"),
        "exclude_seen": _flag("whether items that the log says the user had are left out", True),
        "history": _choice(get_args(Past), "where the past of a user without recent items comes from", "log"),
        "features": _features("features of a user whom the log lacks, by name"),
        "new_items": Field(
            lambda value: isinstance(value, list),
            "a list of new items",
            {
                "type": "array",
                "items": object_schema(NEW_ITEM, ("item",)),
                "description": "items that the log lacks, and that may be ranked for this request all the same",
            },
        ),
    }
)
"""The keys of a request, which are the attributes of `Request`."""

OPTIONS: Mapping[str, Field] = MappingProxyType(
    {
        "count": Field(
            lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 1,
            "a whole number of at least 1",
            {"type": "integer", "minimum": 1, "default": 10, "description": "items for each request"},
        ),
        "on_unknown": _choice(get_args(OnUnknown), "what becomes of a request whose user or item the log lacks", "new"),
        "diversify": _flag("whether neighbours in a list do not share categories", False),
        "explain": _flag("whether items are explained", False),
    }
)
"""The options of all answers of a batch, which are arguments of `Recommender.recommend`."""


def require_object(value: Any, fields: Mapping[str, Field], place: str) -> dict[str, Any]:
    """Return `value`, an object with some of the keys of `fields`.

    Raises:
        InputError: naming `place` and the key.
    """
    names = ", ".join(f'"{name}"' for name in fields)
    if not isinstance(value, dict):
        raise InputError(f"{place} is {brief(value)}; expected an object with some of {names}")
    for name, part in value.items():
        if name not in fields:
            raise InputError(f"{place}: unknown key {brief(name)}; expected an object with some of {names}")
        if not fields[name].holds(part):
            raise InputError(f'{place}: "{name}" is {brief(part)}; expected {fields[name].expected}')
    return value


def request_of(value: Any, place: str, defaults: Request = ANYBODY) -> Request:
    """Return the request that a plain `value` describes, in the form of `REQUEST`; `defaults` has the values of omitted
    keys.
    """
    told = require_object(value, REQUEST, place)
    stated: dict[str, Any] = {name: tuple(part) if isinstance(part, list) else part for name, part in told.items()}
    if "new_items" in stated:
        stated["new_items"] = new_items_of(stated["new_items"], place)
    return replace(defaults, **stated)


def new_items_of(values: Sequence[Any], place: str) -> tuple[NewItem, ...]:
    """Return the new items that plain `values` describe, in the form of `NEW_ITEM`.

    Raises:
        InputError: naming `place`.
    """
    found = []
    for number, value in enumerate(values, start=1):
        told = require_object(value, NEW_ITEM, f"{place}, new item {number}")
        if "item" not in told:
            raise InputError(f'{place}, new item {number}: "item" is missing; expected {NEW_ITEM["item"].expected}')
        categories = told.get("categories")
        found.append(NewItem(told["item"], None if categories is None else tuple(categories), told.get("features")))
    return tuple(found)
