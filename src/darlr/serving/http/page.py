"""The web page on which a person tries a run: one file that loads nothing from other places."""

import base64
import hashlib
import json
import re
from importlib.resources import files
from typing import Any

from starlette.responses import Response

from darlr.serving.http.keys import Keys
from darlr.serving.http.serving_run import ServingRun

PLACE = "/* WHAT THE PAGE IS TOLD */"
USERS = 50
"""The number of users that the page offers, for a service without keys."""


class Page:
    """The page, and a content policy that lets a browser run only the page's own script and style."""

    def __init__(self) -> None:
        self._text = files("darlr.serving.http").joinpath("page.html").read_text(encoding="utf-8")
        hashes = {kind: _hash(self._text, kind) for kind in ("script", "style")}
        self._policy = (
            f"default-src 'none'; connect-src 'self'; script-src {hashes['script']}; style-src {hashes['style']}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    def response(self, run: ServingRun, keys: Keys) -> Response:
        """Return the page for `run`; it names users if every client may send requests."""
        recommender = run.recommender
        told: dict[str, Any] = {
            "run": run.name,
            "range": list(recommender.reward_range),
            "open": keys.open,
            "users": recommender.user_ids[:USERS].tolist() if keys.open else [],
        }
        text = self._text.replace(PLACE, json.dumps(told).replace("<", "\\u003c"))
        headers = {"Content-Security-Policy": self._policy, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        return Response(text, media_type="text/html", headers=headers)


def _hash(text: str, kind: str) -> str:
    """Return the hash by which a content policy names the page's own script or style."""
    found = re.search(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
    assert found is not None  # the page is the package's own
    return f"'sha256-{base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()}'"
