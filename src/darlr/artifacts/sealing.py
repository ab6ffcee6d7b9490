"""Checksums over plain values, so that a file that was edited is not taken for what darlr wrote.

They cover values, not bytes: a file that was only laid out anew is still the same. They guard against slips, not against
somebody who computes them anew.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from darlr.errors import InputError

CHECKSUM = "checksum"
PUT_BACK = "put back the file that was here, or delete the run folder to start afresh"


def checksum(value: Any, *before: str) -> str:
    """SHA-256 of a JSON-able value, behind the checksums `before`; the order of keys does not count."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256("\n".join([*before, text]).encode()).hexdigest()


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with their checksum beside them."""
    return {**values, CHECKSUM: checksum(values)}


def unsealed(values: Mapping[str, Any], place: str) -> dict[str, Any]:
    """What `sealed` was given; raises `InputError` naming `place` where the checksum is another, or none."""
    content = {key: value for key, value in values.items() if key != CHECKSUM}
    if values.get(CHECKSUM) != checksum(content):
        what = "does not match its checksum: it was edited" if CHECKSUM in values else "has no checksum: it was edited"
        raise InputError(f"{place}: {what} since darlr wrote it; {PUT_BACK}")
    return content
