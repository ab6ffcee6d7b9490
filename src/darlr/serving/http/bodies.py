"""Bodies of HTTP requests: the keys of `serving.schema`, and those for sessions. The OpenAPI schema has the same keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from darlr.artifacts.files import decode_json
from darlr.errors import InputError
from darlr.serving.messages import Request
from darlr.serving.schema import ID, OPTIONS, REQUEST, Field, object_schema, request_of, require_object

LONGEST_NAME = 128
BODY = "the body"


def _some(name: str, what: str) -> Field:
    """Return the field of a request of the given name, which must not be empty here."""
    field = REQUEST[name]
    return Field(
        lambda value: field.holds(value) and bool(value),
        f"a list of {what}, at least one",
        {**field.schema, "minItems": 1, "description": f"{name}, in the order in which they were given"},
    )


SESSION = Field(
    lambda value: isinstance(value, str) and 1 <= len(value) <= LONGEST_NAME,
    f"a text of 1 to {LONGEST_NAME} characters",
    {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_NAME,
        "description": "a name of the client's own; what /feedback was told under it takes the place of items and rewards",
    },
)
WITHIN: Mapping[str, Field] = MappingProxyType({**REQUEST, "session": SESSION})
"""A request, optionally within a session."""
REQUESTS = Field(
    lambda value: isinstance(value, list) and bool(value),
    "a list of at least one request",
    {
        "type": "array",
        "minItems": 1,
        "items": object_schema(WITHIN),
        "description": "an answer is given to each, in this order",
    },
)
RECOMMEND: Mapping[str, Field] = MappingProxyType({"requests": REQUESTS, **OPTIONS})
FEEDBACK: Mapping[str, Field] = MappingProxyType(
    {
        "session": SESSION,
        "items": _some("items", "item ids"),
        "rewards": _some("rewards", "numbers"),
        "new_items": REQUEST["new_items"],
    }
)
TOLD = ("session", "items", "rewards")
"""The required keys of a body of /feedback."""


@dataclass(frozen=True)
class Asked:
    """A body of /recommend: its requests, the session of each, and the options of the answers."""

    requests: tuple[Request, ...]
    sessions: tuple[str | None, ...]
    options: Mapping[str, Any]


def recommend_of(body: bytes, most_requests: int, most_count: int) -> Asked:
    """Parse the body of /recommend.

    Raises:
        InputError: naming the key at fault.
    """
    told = _object(body, RECOMMEND, required=("requests",))
    entries = told.pop("requests")
    if len(entries) > most_requests:
        raise InputError(f"{BODY} has {len(entries):,} requests; expected at most {most_requests:,}")
    if told.get("count", 1) > most_count:
        raise InputError(f'{BODY}: "count" is {told["count"]:,}; expected at most {most_count:,}')
    requests, sessions = [], []
    for number, entry in enumerate(entries, start=1):
        place = f"request {number}"
        stated = dict(require_object(entry, WITHIN, place))
        sessions.append(stated.pop("session", None))
        if sessions[-1] is not None and (stated.get("items") or stated.get("rewards")):
            raise InputError(f'{place}: has "session" and recent "items" or "rewards"; expected one of the two')
        requests.append(request_of(stated, place))
    return Asked(tuple(requests), tuple(sessions), told)


def feedback_of(body: bytes) -> tuple[str, Request]:
    """Parse a body of /feedback: the session, and its items and rewards as a request without a user.

    Raises:
        InputError: naming the key at fault.
    """
    told = _object(body, FEEDBACK, required=TOLD)
    return told.pop("session"), request_of(told, BODY)


def _object(body: bytes, fields: Mapping[str, Field], required: tuple[str, ...]) -> dict[str, Any]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{BODY} is not UTF-8 text") from error
    told = dict(require_object(decode_json(text, BODY), fields, BODY))
    for name in required:
        if name not in told:
            raise InputError(f'{BODY}: "{name}" is missing; expected {fields[name].expected}')
    return told


_NUMBERS = {"type": "array", "items": {"type": "number"}}
_IDS = {"type": "array", "items": dict(ID)}
_EXPLANATION = {
    "type": "object",
    "properties": {
        **{name: {"type": "number"} for name in ("estimate", "change", "penalty")},
        "moved_by": {
            "anyOf": [
                {
                    "type": "object",
                    "properties": {"item": dict(ID), "reward": {"type": "number"}, "change": {"type": "number"}},
                },
                {"type": "null"},
            ]
        },
    },
}
ANSWERS = {
    "type": "object",
    "required": ["run", "answers"],
    "properties": {
        "run": {"type": "string", "description": "the run that answered"},
        "answers": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["user", "items", "scores", "expected_rewards"],
                "properties": {
                    "user": {"anyOf": [*ID["anyOf"], {"type": "null"}]},
                    "items": {**_IDS, "description": "best first"},
                    "scores": {**_NUMBERS, "description": "probabilities with which the policy would pick each"},
                    "expected_rewards": {**_NUMBERS, "description": "in the units of the log"},
                    "explanations": {"type": "array", "items": _EXPLANATION},
                    "notes": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
    },
}
TAKEN = {
    "type": "object",
    "required": ["session", "answers"],
    "properties": {
        "session": {"type": "string"},
        "answers": {"type": "integer", "description": "how many the session has now"},
    },
}
ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string", "description": "one line"}}}
EXAMPLES: Mapping[str, Any] = MappingProxyType(
    {
        "recommend": {"requests": [{"user": 17, "session": "visit-1"}], "count": 5, "explain": True},
        "feedback": {"session": "visit-1", "items": [3], "rewards": [5]},
    }
)


REFUSALS: Mapping[int, str] = MappingProxyType(
    {
        400: "the body is no JSON",
        401: "no valid key",
        403: "the key is not the one named admin",
        404: "the service keeps no sessions",
        408: "the request did not arrive in time",
        413: "the body is too large",
        422: "something cannot be used; the line names it",
        503: "the service is not ready, busy, or stops",
    }
)
"""The meanings of the statuses of refusals."""
RUN = {"type": "object", "required": ["run"], "properties": {"run": {"type": "string", "description": "the run that serves"}}}


def recommend_schema(most_requests: int, most_count: int) -> dict[str, Any]:
    """Return the JSON schema of the body of /recommend, for a service with these limits."""
    schema = object_schema(RECOMMEND, ("requests",))
    schema["properties"]["requests"]["maxItems"] = most_requests
    schema["properties"]["count"]["maximum"] = most_count
    return schema


def operation(answer: Mapping[str, Any], refusals: Sequence[int], body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the OpenAPI of an operation: the schema of its answer, the statuses of its refusals, and the content of its
    body.
    """
    responses = {
        str(status): {"description": REFUSALS[status], "content": {"application/json": {"schema": ERROR}}}
        for status in refusals
    }
    told = {"description": "as asked", "content": {"application/json": {"schema": dict(answer)}}}
    asked = {"requestBody": {"required": True, "content": {"application/json": dict(body)}}} if body else {}
    return {**asked, "responses": {"200": told, **responses}}
