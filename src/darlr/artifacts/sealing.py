"""Checksums over plain values, so that an edited file is not taken for the one that darlr wrote.

They cover values, not bytes: a file with other white space still matches. They guard against slips, not against somebody
who recomputes them.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from darlr.errors import InputError

CHECKSUM = "checksum"
PUT_BACK = "put back the file that was here, or delete the run folder to start afresh"


def checksum(value: Any, *before: str) -> str:
    """Return the SHA-256 of JSON-able values and of the checksums `before` them; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256("\n".join([*before, text]).encode()).hexdigest()


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with their checksum added."""
    return {**values, CHECKSUM: checksum(values)}


def unsealed(values: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return `values` without the checksum that `sealed` added.

    Raises:
        InputError: naming `place`, if the checksum is missing or does not match.
    """
    content = {key: value for key, value in values.items() if key != CHECKSUM}
    if values.get(CHECKSUM) != checksum(content):
        what = "does not match its checksum: it was edited" if CHECKSUM in values else "has no checksum: it was edited"
        raise InputError(f"{place}: {what} since darlr wrote it; {PUT_BACK}")
    return content
