"""metrics.jsonl, the records of a run's epochs on disk; one record is added after each epoch."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from darlr.artifacts.beginning import Beginning
from darlr.artifacts.files import write_bytes
from darlr.artifacts.records import Records, decode_records, encode_record
from darlr.artifacts.sealing import PUT_BACK
from darlr.errors import InputError, RunError
from darlr.reading import read_text

METRICS = "metrics.jsonl"


@dataclass(frozen=True)
class _End:
    """The end of the file, where the next record goes: the chain of the last record, and the size of the file."""

    chain: str | None
    size: int


class MetricsFile:
    """The metrics file of the run that began as `beginning`, whose checksum the chain of records begins with."""

    def __init__(self, beginning: Beginning) -> None:
        self.path = beginning.path / METRICS
        self._beginning = beginning
        self._end: _End | None = None
        self._read: tuple[str, str | None, Records] | None = None
        """What was read last: the text, what its chain stands on, and the records; checking them takes long."""

    def append(self, record: Mapping[str, float | int | None]) -> None:
        """Add the record of one epoch (its number under `epoch`); the record is on disk when this returns.

        Append an epoch's record before saving its checkpoint: `keep` drops a record that is ahead of the checkpoint, but a
        missing record cannot be restored.

        Raises:
            RunError: if another process changed the file, or it cannot be written.
        """
        if self._end is None:
            self._end = self._end_of(self.records())
        line, chain = encode_record(record, self._end.chain, f"{self.path}, epoch {record['epoch']}")
        content = f"{line}\n".encode()
        try:
            with self.path.open("ab") as file:
                if file.tell() != self._end.size:
                    raise RunError(f"{self.path}: was changed or deleted while the run was working on it; stopped")
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written ({error.strerror})") from error
        self._end = _End(chain, self._end.size + len(content))

    def keep(self, epochs: int) -> None:
        """Drop the records after the first `epochs`, which are ahead of the checkpoint that a run resumes from.

        Raises:
            InputError: if one of the epochs 1 to `epochs` has no record.
        """
        records = self.records()
        if len(records.values) < epochs:
            raise InputError(
                f"{self.path}: has {len(records.values)} records; expected one for each of the epochs 1 to {epochs}"
                f" that the checkpoint has seen; {PUT_BACK}"
            )
        self._write(records.first(epochs))

    def mend(self) -> None:
        """Drop the part of a line that a crash left, so that the next record starts a new line."""
        self._write(self.records())

    def records(self) -> Records:
        """Read the records.

        Raises:
            InputError: naming the file and line of a record that is malformed, missing, out of place or edited.
        """
        text = read_text(self.path) if self.path.exists() else ""
        beginning = self._beginning.checksum
        if self._read is None or self._read[:2] != (text, beginning):
            self._read = text, beginning, decode_records(text, beginning, str(self.path))
        return self._read[2]

    def _write(self, records: Records) -> None:
        write_bytes(self.path, records.text().encode())
        self._end = self._end_of(records)

    def _end_of(self, records: Records) -> _End:
        chain = records.chains[-1] if records.chains else self._beginning.checksum
        return _End(chain, len(records.text().encode()))
