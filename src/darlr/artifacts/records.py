"""The records of a run's epochs as lines of JSON. Each is bound to the one before, so a lost, moved or edited record is
noticed.

A record's `chain` is the checksum of its content and of the previous `chain`. The first record uses the checksum of
environment.json instead. Runs of darlr before 0.3 have no chain; only the numbers of their epochs can be checked.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from darlr.artifacts.files import decode_json, encode_json
from darlr.artifacts.schema import map_of, number, optional, require
from darlr.artifacts.sealing import PUT_BACK, checksum
from darlr.errors import InputError

CHAIN = "chain"


@dataclass(frozen=True)
class Records:
    """The records of the epochs 1, 2, ..., oldest first.

    Attributes:
        values: the records without their chain.
        lines: their lines in the file, without line ends.
        chains: the chain of each record; empty in a run without chains.
    """

    values: tuple[dict[str, Any], ...]
    lines: tuple[str, ...]
    chains: tuple[str, ...]

    def first(self, epochs: int) -> "Records":
        """Return the records of the first `epochs` epochs."""
        return Records(self.values[:epochs], self.lines[:epochs], self.chains[:epochs])

    def text(self) -> str:
        """Return the text of a file with these records."""
        return "".join(f"{line}\n" for line in self.lines)


def encode_record(record: Mapping[str, Any], before: str | None, place: str) -> tuple[str, str | None]:
    """Encode a record; return its line and its chain, which continues the chain `before`. If `before` is None, there is no
    chain.

    Raises:
        RunError: for NaN and infinity.
    """
    if before is None:
        return encode_json(dict(record), place), None
    encode_json(dict(record), place)
    chain = checksum(dict(record), before)
    return encode_json({**record, CHAIN: chain}, place), chain


def decode_records(text: str, beginning: str | None, path: str) -> Records:
    """Decode the records in a file's text; a last line that a crash cut short is left out.

    Args:
        text: the file's text.
        beginning: the checksum that the first chain continues; None for a run without chains.
        path: the file, for messages.

    Raises:
        InputError: naming the file and line of a record that is malformed, missing, out of place or edited.
    """
    lines = text.split("\n")
    unfinished = lines.pop()  # empty after a finished line
    values, chains, before = [], [], beginning
    if unfinished:
        # A record that lacks only its line end is still whole.
        with contextlib.suppress(InputError):
            decode_json(unfinished, path)
            lines.append(unfinished)
    for epoch, line in enumerate(lines, start=1):
        record, chain = _decoded(line, f"{path}:{epoch}")
        _require_place(record["epoch"], epoch, f"{path}:{epoch}")
        if before is None and chain is not None:
            raise InputError(f"{path}:{epoch}: has a '{CHAIN}', but environment.json has no checksum; {PUT_BACK}")
        if before is not None:
            before = checksum(record, before)
            if chain != before:
                raise InputError(
                    f"{path}:{epoch}: the record of epoch {epoch} was edited, or belongs to another run"
                    f" (its '{CHAIN}' does not match); {PUT_BACK}"
                )
            chains.append(before)
        values.append(record)
    return Records(tuple(values), tuple(lines), tuple(chains))


def _decoded(line: str, place: str) -> tuple[dict[str, Any], Any]:
    record = decode_json(line, place)
    if not isinstance(record, dict) or type(record.get("epoch")) is not int:
        raise InputError(f"{place}: expected a JSON object with an 'epoch'")
    values = {name: value for name, value in record.items() if name != CHAIN}
    require(values, map_of(optional(number)), place)
    return values, record.get(CHAIN)


def _require_place(epoch: int, number: int, place: str) -> None:
    if epoch != number:
        raise InputError(
            f"{place}: has epoch {epoch}; expected epoch {number}: a record is missing, doubled or out of order; {PUT_BACK}"
        )
