"""API keys: who may send requests, and who may change the service."""

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path

from darlr.errors import InputError
from darlr.reading import read_text
from darlr.serving.http.refusals import RefusedError

ADMIN = "admin"
"""The name of the key that may change the service."""
SHORTEST = 16
MOST_BYTES = 1 << 20


class Keys:
    """Keys by the names of their owners. Without any, every client may send requests, and none may change the service."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._digests = {name: _digest(key) for name, key in keys.items()}

    @classmethod
    def read(cls, path: Path) -> "Keys":
        """Read the keys in a file: a name and a key on each line, separated by blanks; blank lines and those that begin
        with # are ignored.

        Raises:
            InputError: naming the line of a key that is too short, and of a name or key that occurs twice.
        """
        keys: dict[str, str] = {}
        for number, line in enumerate(read_text(path, at_most=MOST_BYTES).splitlines(), start=1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if len(words) != 2 or len(words[1]) < SHORTEST:  # the line is not shown: it may be a key
                raise InputError(f"{path}: line {number}: expected a name and a key of at least {SHORTEST} characters")
            if words[0] in keys or words[1] in keys.values():
                raise InputError(f"{path}: line {number}: its name or its key stands twice; expected each once")
            keys[words[0]] = words[1]
        if not keys:
            raise InputError(f"{path}: has no key; expected a name and a key a line")
        return cls(keys)

    @property
    def open(self) -> bool:
        """Whether every client may send requests."""
        return not self._digests

    def name_of(self, authorization: str | None) -> str:
        """Return the name of the key in a header `Authorization: Bearer KEY`, "" if no key is needed.

        Raises:
            RefusedError: without a valid key.
        """
        if self.open:
            return ""
        scheme, _, key = (authorization or "").partition(" ")
        digest = _digest(key.strip())
        found = [name for name, known in self._digests.items() if hmac.compare_digest(known, digest)]
        if scheme.lower() != "bearer" or not found:
            raise RefusedError(401, "no valid key; expected the header 'Authorization: Bearer KEY'")
        return found[0]

    def require_admin(self, name: str) -> None:
        """Raise `RefusedError` unless the key of that name may change the service."""
        if name != ADMIN:
            raise RefusedError(403, f"only the key named '{ADMIN}' may do this, and the service has to be started with --keys")


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
