"""One run's folder: its config, environment, metrics, checkpoint and results."""

import contextlib
import fcntl
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from darlr.artifacts.files import PARTIAL_SUFFIX, decode_json, encode_json, write_bytes
from darlr.artifacts.locks import is_locked
from darlr.config.yaml_text import parse_yaml, read_yaml, yaml_text
from darlr.errors import BusyError, InputError, RunError
from darlr.reading import read_text

if TYPE_CHECKING:
    import torch

CONFIG = "config.yaml"
ENVIRONMENT = "environment.json"
METRICS = "metrics.jsonl"
LOCK = ".lock"


class RunFolder:
    """A run on disk: `create` it to work on it (one process at a time), `open` it to read it.

    Every file in it is whole at any moment, whenever the process dies. A run being worked on is unlocked by `close`, by
    leaving a `with` block, or by the end of the process.
    """

    def __init__(self, path: Path, lock: IO[bytes] | None = None) -> None:
        self.path = path
        self._lock = lock

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
                write_bytes(path / ENVIRONMENT, encode_json(dict(environment), str(path / ENVIRONMENT), indent=2).encode())
                # The config comes last: a folder that has one is a run.
                write_bytes(path / CONFIG, yaml_text(config).encode())
            else:
                run.require_same(config, environment)
                run._write_metrics(run.metrics())  # drops what a crash left of a line, so that the next one starts afresh
            for leftover in path.glob(f".*{PARTIAL_SUFFIX}"):
                leftover.unlink()
        except BaseException:
            run.close()
            raise
        return run

    @classmethod
    def open(cls, path: Path) -> Self:
        """A finished or interrupted run, for reading; raises `InputError` naming what it lacks."""
        try:
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
        """The run's resolved config as plain mappings."""
        return read_yaml(self.path / CONFIG)

    def environment(self) -> dict[str, Any]:
        """Where and with what the run was started."""
        return _mapping(self.path / ENVIRONMENT)

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
        """What `write_json(name, ...)` wrote, a JSON object; raises `InputError` naming a file that is none."""
        return _mapping(self.path / f"{name}.json")

    def write_json(self, name: str, value: Any) -> None:
        """Write `<name>.json`; raises `RunError` for NaN and infinity (None is allowed)."""
        path = self.path / f"{name}.json"
        write_bytes(path, encode_json(value, str(path), indent=2).encode())

    def remove(self, name: str) -> None:
        """Delete the file `name`, if it is there; raises `RunError` where it cannot be deleted."""
        try:
            (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{self.path / name}: cannot be deleted ({error.strerror})") from error

    def append_metrics(self, record: Mapping[str, float | int | None]) -> None:
        """Add the record of one epoch (its number under `epoch`) to `metrics.jsonl`; on disk when this returns.

        Append an epoch's record before saving its checkpoint: `keep_metrics` drops a record that is ahead, but nothing
        brings one back.
        """
        path = self.path / METRICS
        line = encode_json(dict(record), f"{path}, epoch {record['epoch']}") + "\n"
        try:
            with path.open("ab") as file:
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunError(f"{path}: cannot be written ({error.strerror})") from error

    def keep_metrics(self, epochs: int) -> None:
        """Drop the records of epochs beyond `epochs` (those after the checkpoint that a run resumes from).

        Raises `InputError` if one of the epochs 1 to `epochs` has no record or several.
        """
        kept = [record for record in self.metrics() if record["epoch"] <= epochs]
        if [record["epoch"] for record in kept] != list(range(1, epochs + 1)):
            raise InputError(
                f"{self.path / METRICS}: expected one record for each of the epochs 1 to {epochs} that the checkpoint has seen;"
                " delete the run folder to start afresh"
            )
        self._write_metrics(kept)

    def metrics(self) -> list[dict[str, Any]]:
        """The records so far, oldest first; a last line cut short by a crash is left out.

        Raises `InputError` naming file and line for anything else that is no record.
        """
        path = self.path / METRICS
        if not path.exists():
            return []
        lines = read_text(path).split("\n")
        unfinished = lines.pop()  # empty after a finished line
        records = [_record(line, f"{path}:{number}") for number, line in enumerate(lines, start=1)]
        if unfinished:
            # All that can be cut off a record without spoiling it is the end of its line.
            with contextlib.suppress(InputError):
                records.append(_record(unfinished, str(path)))
        return records

    def _write_metrics(self, records: Sequence[Mapping[str, Any]]) -> None:
        path = self.path / METRICS
        write_bytes(path, "".join(encode_json(record, str(path)) + "\n" for record in records).encode())

    def _tensors_path(self, name: str) -> Path:
        return self.path / f"{name}.safetensors"


def _lock(path: Path) -> IO[bytes]:
    """Make the folder and take its lock, which the system lets go when the process ends, killed or not."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(path)
        lock = (path / LOCK).open("ab")
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


def _mapping(path: Path) -> dict[str, Any]:
    value = decode_json(read_text(path), str(path))
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object")
    return value


def _record(line: str, place: str) -> dict[str, Any]:
    record = decode_json(line, place)
    if not isinstance(record, dict) or type(record.get("epoch")) is not int:
        raise InputError(f"{place}: expected a JSON object with an 'epoch'")
    return record


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
