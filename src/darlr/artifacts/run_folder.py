"""One run's folder: its config, environment, metrics, checkpoint and results."""

import fcntl
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from darlr.artifacts.files import PARTIAL_SUFFIX, decode_json, encode_json, write_bytes
from darlr.artifacts.locks import is_locked
from darlr.artifacts.pointer import pointed
from darlr.artifacts.records import Records, decode_records, encode_record
from darlr.artifacts.schema import Keys, map_of, require, text
from darlr.artifacts.sealing import CHECKSUM, PUT_BACK, checksum, sealed, unsealed
from darlr.config.loading import stable_hash
from darlr.config.yaml_text import parse_yaml, read_yaml, yaml_text
from darlr.errors import BusyError, InputError, RunError
from darlr.reading import read_text, without_waiting

if TYPE_CHECKING:
    import torch

CONFIG = "config.yaml"
ENVIRONMENT = "environment.json"
METRICS = "metrics.jsonl"
SUMMARY = "summary"
LOCK = ".lock"
SETTINGS, LAST_CHAIN = "config_checksum", "chain"
"""What environment.json holds of config.yaml, and summary.json of the last record."""
WARM_START = "warm_start"
"""What environment.json names the run by that this one started from."""

ENVIRONMENT_SHAPE = Keys({"darlr": text}, {"data": map_of(text), SETTINGS: text, WARM_START: map_of(text)})
_NAMED = re.compile(r"([0-9a-f]{12})-s(\d+)")
"""How `darlr train` names a run's folder: after its settings and its seed."""


@dataclass(frozen=True)
class _End:
    """Where the next record goes: behind which chain, and at which size of the file."""

    chain: str | None
    size: int


class RunFolder:
    """A run on disk: `create` it to work on it (one process at a time), `open` it to read it.

    Every file in it is whole at any moment, whenever the process dies. A run being worked on is unlocked by `close`, by
    leaving a `with` block, or by the end of the process.

    What is read from it is checked: environment.json and summary.json have checksums, the settings have theirs in
    environment.json, and each record in metrics.jsonl is bound to the one before (`records`). Runs that darlr before 0.3 began
    have none of that, and stay without; their settings are checked against the folder's name, records by their numbers.
    """

    def __init__(self, path: Path, lock: IO[bytes] | None = None) -> None:
        self.path = path
        self._lock = lock
        self._end: _End | None = None

    @classmethod
    def create(cls, path: Path, config: Mapping[str, Any], environment: Mapping[str, Any]) -> Self:
        """Make the run folder, or open it for resuming if it holds this very run.

        `config` is the resolved config as plain mappings; `environment` is as `require_same` takes it. A resumed run keeps the
        environment it was started with.
        Raises `InputError` for a place that cannot be written, a folder with other things in it, a run of another version,
        another config or other data, and `BusyError` for a run that another process works on.
        """
        lock = _lock(path)
        run = cls(path, lock)
        try:
            if _missing(path):
                settings = yaml_text(config)
                began = sealed({**environment, SETTINGS: checksum(parse_yaml(settings, str(path / CONFIG)))})
                write_bytes(path / ENVIRONMENT, encode_json(began, str(path / ENVIRONMENT), indent=2).encode())
                # The config comes last: a folder that has one is a run.
                write_bytes(path / CONFIG, settings.encode())
            else:
                run.require_same(config, environment)
                run._write_records(run._records())  # drops what a crash left of a line, so that the next one starts afresh
            for leftover in path.glob(f".*{PARTIAL_SUFFIX}"):
                leftover.unlink()
        except BaseException:
            run.close()
            raise
        return run

    @classmethod
    def open(cls, path: Path) -> Self:
        """A run, finished or not, or the one that a pointer names, for reading; raises `InputError` naming what it lacks."""
        try:
            path = pointed(path)
            if not path.is_dir():
                raise InputError(f"{path}: no such run folder")
            missing = _missing(path)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        if missing:
            raise InputError(f"{path}: not a darlr run ({' and '.join(missing)} missing)")
        return cls(path)

    def close(self) -> None:
        """Let another process work on the run."""
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def config(self) -> dict[str, Any]:
        """The run's resolved config as plain mappings; raises `InputError` if it was edited."""
        path, config = self.path / CONFIG, read_yaml(self.path / CONFIG)
        began = self._began()
        if SETTINGS in began:
            if began[SETTINGS] != checksum(config):
                raise InputError(f"{path}: was edited since the run began ({PUT_BACK})")
        elif (name := _NAMED.fullmatch(self.path.absolute().name)) is not None:
            others = {key: value for key, value in config.items() if key != "seed"}
            if name.groups() != (stable_hash(others), str(config.get("seed"))):
                raise InputError(f"{path}: does not match the folder's name, which tells settings and seed ({PUT_BACK})")
        return config

    def environment(self) -> dict[str, Any]:
        """Where and with what the run was started; raises `InputError` if that was edited."""
        return {key: value for key, value in self._began().items() if key not in (CHECKSUM, SETTINGS)}

    @property
    def is_sealed(self) -> bool:
        """Whether the run's files have checksums: since darlr 0.3 they do."""
        return CHECKSUM in self._began()

    def _began(self) -> dict[str, Any]:
        """environment.json as it stands."""
        return _environment(self.path)

    def require_same(self, config: Mapping[str, Any], environment: Mapping[str, Any]) -> None:
        """Raise `InputError` if this is a run of another version, another config or other data.

        `environment` has the version under `darlr`, and under `data` a mapping from files to hashes.
        """
        if (version := self.environment()["darlr"]) != environment["darlr"]:
            raise InputError(
                f"{self.path}: holds a run of darlr {version}, and this is {environment['darlr']};"
                " choose another folder or delete it"
            )
        key = _difference(self.config(), parse_yaml(yaml_text(config), str(self.path)))
        if key is not None:
            raise InputError(
                f"{self.path}: holds a run of another config ('{key}' differs); choose another folder or delete it"
            )
        file = _difference(self.environment().get("data", {}), environment.get("data", {}))
        if file is not None:
            raise InputError(
                f"{self.path}: this run was started on other data ('{file}' has changed);"
                " restore the file, or delete the run folder to start afresh"
            )

    def has_tensors(self, name: str) -> bool:
        """Whether `save_tensors(name, ...)` was done."""
        return self._tensors_path(name).is_file()

    def save_tensors(self, name: str, tensors: Mapping[str, "torch.Tensor"], state: Mapping[str, Any]) -> None:
        """Write `<name>.safetensors`; see `write_tensors`."""
        from darlr.artifacts.tensors import write_tensors  # noqa: PLC0415 (a report reads records without torch)

        write_tensors(self._tensors_path(name), tensors, state)

    def load_tensors(self, name: str) -> tuple[dict[str, "torch.Tensor"], dict[str, Any]]:
        """Read `<name>.safetensors`; see `read_tensors`."""
        from darlr.artifacts.tensors import read_tensors  # noqa: PLC0415 (a report reads records without torch)

        return read_tensors(self._tensors_path(name))

    def has_json(self, name: str) -> bool:
        """Whether `write_json(name, ...)` was done."""
        return (self.path / f"{name}.json").is_file()

    def read_json(self, name: str) -> dict[str, Any]:
        """What `write_json(name, ...)` wrote, a JSON object; raises `InputError` naming a file that is none, or was edited."""
        path = self.path / f"{name}.json"
        values = _mapping(path)
        return unsealed(values, str(path)) if self.is_sealed else values

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write `<name>.json`; raises `RunError` for NaN and infinity (None is allowed)."""
        path = self.path / f"{name}.json"
        text = encode_json(dict(value), str(path), indent=2)
        if self.is_sealed:
            text = encode_json(sealed(value), str(path), indent=2)
        write_bytes(path, text.encode())

    def read_summary(self) -> dict[str, Any]:
        """What `write_summary` was given; raises `InputError` if it, or a record that it is made of, was edited."""
        summary, chains = self.read_json(SUMMARY), self._records().chains
        if chains and summary.pop(LAST_CHAIN, None) != chains[-1]:
            raise InputError(
                f"{self.path / SUMMARY}.json: does not belong to the {len(chains)} records of {METRICS}; {PUT_BACK}"
            )
        return summary

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write summary.json, which is made of the records as they are now."""
        chains = self._records().chains
        self.write_json(SUMMARY, {**summary, LAST_CHAIN: chains[-1]} if chains else summary)

    def remove(self, name: str) -> None:
        """Delete the file `name`, if it is there; raises `RunError` where it cannot be deleted."""
        try:
            (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{self.path / name}: cannot be deleted ({error.strerror})") from error

    def append_metrics(self, record: Mapping[str, float | int | None]) -> None:
        """Add the record of one epoch (its number under `epoch`) to `metrics.jsonl`; on disk when this returns.

        Append an epoch's record before saving its checkpoint: `keep_metrics` drops a record that is ahead, but nothing
        brings one back. Raises `RunError` if somebody else changed the file, or it cannot be written.
        """
        path = self.path / METRICS
        if self._end is None:
            self._end = self._end_of(self._records())
        line, chain = encode_record(record, self._end.chain, f"{path}, epoch {record['epoch']}")
        content = f"{line}\n".encode()
        try:
            with path.open("ab") as file:
                if file.tell() != self._end.size:
                    raise RunError(f"{path}: was changed or deleted while the run was working on it; stopped")
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunError(f"{path}: cannot be written ({error.strerror})") from error
        self._end = _End(chain, self._end.size + len(content))

    def keep_metrics(self, epochs: int) -> None:
        """Drop the records of epochs beyond `epochs` (those after the checkpoint that a run resumes from).

        Raises `InputError` if one of the epochs 1 to `epochs` has no record.
        """
        records = self._records()
        if len(records.values) < epochs:
            raise InputError(
                f"{self.path / METRICS}: has {len(records.values)} records; expected one for each of the epochs 1 to {epochs}"
                f" that the checkpoint has seen; {PUT_BACK}"
            )
        self._write_records(records.first(epochs))

    def metrics(self) -> list[dict[str, Any]]:
        """The records so far, oldest first; a last line cut short by a crash is left out.

        Raises `InputError` naming file and line of a record that is none, is missing, stands elsewhere, or was edited.
        """
        return list(self._records().values)

    def _records(self) -> Records:
        path = self.path / METRICS
        return decode_records(read_text(path) if path.exists() else "", self._beginning(), str(path))

    def _write_records(self, records: Records) -> None:
        write_bytes(self.path / METRICS, records.text().encode())
        self._end = self._end_of(records)

    def _end_of(self, records: Records) -> _End:
        chain = records.chains[-1] if records.chains else self._beginning()
        return _End(chain, len(records.text().encode()))

    def _beginning(self) -> str | None:
        """What the chain of the records stands on; None for a run without one."""
        return self._began().get(CHECKSUM)

    def _tensors_path(self, name: str) -> Path:
        return self.path / f"{name}.safetensors"


def _lock(path: Path) -> IO[bytes]:
    """Make the folder and take its lock, which the system lets go when the process ends, killed or not."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(path)
        lock = open(path / LOCK, "ab", opener=without_waiting)  # noqa: SIM115 (it is held until the run is closed)
    except OSError as error:
        raise InputError(f"{path}: cannot be used as a run folder ({_refusal(path, error)})") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        if isinstance(error, BlockingIOError):
            raise BusyError(f"{path}: another process is working on this run; wait for it to end") from error
        raise InputError(f"{path}: cannot be locked ({error.strerror})") from error
    return lock


def _refusal(path: Path, error: OSError) -> str:
    """Why the folder `path` cannot be made or used; some file systems say "no such file" of a place that cannot be written."""
    if not isinstance(error, FileNotFoundError):
        return str(error.strerror)
    place = next(parent for parent in path.absolute().parents if parent.is_dir())
    return f"nothing can be made in {place}"


def in_work(path: Path) -> bool:
    """Whether a process works on the run at `path`."""
    return is_locked(path / LOCK)


def _refuse_foreign(path: Path) -> None:
    """Refuse a folder that is neither a run nor the beginning of one, before anything is written into it."""
    names = {entry.name for entry in path.iterdir()}
    own = {LOCK, ENVIRONMENT} if LOCK in names else set()
    strangers = sorted(name for name in names - own if not name.endswith(PARTIAL_SUFFIX))
    if strangers and _missing(path):
        raise InputError(f"{path}: holds other files ('{strangers[0]}') and is no darlr run; choose a new or empty folder")


def _missing(path: Path) -> list[str]:
    """What `path` lacks to be a run."""
    absent = [name for name in (CONFIG, ENVIRONMENT) if not (path / name).is_file()]
    if not absent and "darlr" not in _mapping(path / ENVIRONMENT):
        return [f"'darlr' in {ENVIRONMENT}"]
    return absent


def _environment(path: Path) -> dict[str, Any]:
    """environment.json of the run at `path` as it stands, checked."""
    place = str(path / ENVIRONMENT)
    values = _mapping(path / ENVIRONMENT)
    require(values, ENVIRONMENT_SHAPE, place)
    if CHECKSUM in values or SETTINGS in values:
        unsealed(values, place)
    return values


def _mapping(path: Path) -> dict[str, Any]:
    value = decode_json(read_text(path), str(path))
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object")
    return value


def _difference(one: Any, other: Any, name: str = "") -> str | None:
    """The dotted name of the first entry in which two nested mappings differ; None if there is none."""
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return None if one == other else name
    for key in [*one, *(key for key in other if key not in one)]:
        inner = f"{name}.{key}" if name else str(key)
        if key not in one or key not in other:
            return inner
        found = _difference(one[key], other[key], inner)
        if found is not None:
            return found
    return None
