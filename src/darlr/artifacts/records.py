"""The records of a run's epochs as lines of JSON, each bound to the one before, so that none can be lost, moved or edited.

A record's `chain` is the checksum of its content and of the `chain` before it; the first one's, of its content and of the run's
beginning. Runs of darlr before 0.3 have no chain: of theirs only the epochs' numbers can be checked.
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
    """Records, oldest first, of the epochs 1, 2, ...

    Attributes:
        values: without their chain.
        lines: as they stand in the file, without line ends.
        chains: each record's; empty in a run without chains.
    """

    values: tuple[dict[str, Any], ...]
    lines: tuple[str, ...]
    chains: tuple[str, ...]

    def first(self, epochs: int) -> "Records":
        """Those of the first `epochs`."""
        return Records(self.values[:epochs], self.lines[:epochs], self.chains[:epochs])

    def text(self) -> str:
        """As a file."""
        return "".join(f"{line}\n" for line in self.lines)


def encode_record(record: Mapping[str, Any], before: str | None, place: str) -> tuple[str, str | None]:
    """The line of a record and its chain, behind the chain `before`; neither has one where that is None.

    Raises `RunError` for NaN and infinity.
    """
    if before is None:
        return encode_json(dict(record), place), None
    encode_json(dict(record), place)
    chain = checksum(dict(record), before)
    return encode_json({**record, CHAIN: chain}, place), chain


def decode_records(text: str, beginning: str | None, path: str) -> Records:
    """The records in a file's text; a last line cut short by a crash is left out.

    Args:
        beginning: what the first chain stands on; None for a run without chains.

    Raises `InputError` naming file and line of a record that is none, is missing, stands elsewhere, or was edited.
    """
    lines = text.split("\n")
    unfinished = lines.pop()  # empty after a finished line
    values, chains, before = [], [], beginning
    if unfinished:
        # All that can be cut off a record without spoiling it is the end of its line.
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
