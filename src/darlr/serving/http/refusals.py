"""Refusals over HTTP: a status and one line, as JSON."""

import json
from collections.abc import Mapping

from starlette.responses import Response

UNKNOWN = 401
"""The status for a client without a valid key."""


class RefusedError(Exception):
    """A request is not served.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status

    def response(self) -> Response:
        """Return the refusal as a response."""
        response = json_response({"error": str(self)}, self.status)
        if self.status == UNKNOWN:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response


def json_response(value: Mapping[str, object], status: int = 200) -> Response:
    """Return `value` as a JSON response, without NaN and infinity."""
    return Response(json.dumps(value, allow_nan=False), status, media_type="application/json")
