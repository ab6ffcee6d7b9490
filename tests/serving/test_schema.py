"""The one reading of requests as plain values."""

from dataclasses import fields
from typing import Any

import pytest

from darlr import Request
from darlr.errors import InputError
from darlr.serving.schema import OPTIONS, REQUEST, object_schema, request_of, require_object


def test_its_keys_are_the_attributes_of_a_request() -> None:
    assert set(REQUEST) == {field.name for field in fields(Request)}
    assert object_schema(REQUEST)["additionalProperties"] is False


def test_what_is_not_stated_is_the_default() -> None:
    assert request_of({}, "here") == Request()
    defaults = Request(exclude_seen=False, history="none")
    assert request_of({"user": 3, "items": [1], "rewards": [5]}, "here", defaults) == Request(
        3, (1,), (5,), exclude_seen=False, history="none"
    )


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("user", "", "an id or null"),
        ("user", float("inf"), "an id or null"),
        ("items", "i1", "a list of item ids"),
        ("items", None, "a list of item ids"),
        ("rewards", [True], "a list of numbers"),
        ("candidates", [None], "a list of item ids or null"),
        ("exclude", {}, "a list of item ids"),
        ("exclude_seen", 1, "true or false"),
        ("history", "all", "one of log, none"),
        ("features", {"age": None}, "an object of texts and numbers, or null"),
    ],
)
def test_another_value_is_refused_by_its_key(key: str, value: Any, expected: str) -> None:
    with pytest.raises(InputError) as refused:
        request_of({key: value}, "request 7")
    assert str(refused.value) == f'request 7: "{key}" is {value!r}; expected {expected}'


@pytest.mark.parametrize(
    ("key", "value"), [("user", 10**400), ("items", [-(10**400)]), ("rewards", [10**309]), ("features", {"age": 10**400})]
)
def test_an_integer_that_no_float_can_hold_is_refused(key: str, value: Any) -> None:
    with pytest.raises(InputError, match=f'request 7: "{key}" is .*; expected '):
        request_of({key: value}, "request 7")


@pytest.mark.parametrize(
    ("key", "value"), [("count", 0), ("count", True), ("count", 1.0), ("on_unknown", "no"), ("explain", 0)]
)
def test_options_are_held_to_theirs(key: str, value: Any) -> None:
    with pytest.raises(InputError, match=f'the body: "{key}" is'):
        require_object({key: value}, OPTIONS, "the body")
