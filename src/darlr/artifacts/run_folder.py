"""One run's folder: its config, environment, metrics, checkpoint and results."""

from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from darlr.artifacts.beginning import Beginning
from darlr.artifacts.files import PARTIAL_SUFFIX, encode_json, read_object, write_bytes
from darlr.artifacts.metrics_file import METRICS, MetricsFile
from darlr.artifacts.pointer import pointed
from darlr.artifacts.run_lock import lock_run
from darlr.artifacts.sealing import PUT_BACK, sealed, unsealed
from darlr.errors import InputError, RunError

if TYPE_CHECKING:
    import torch

SUMMARY = "summary"
LAST_CHAIN = "chain"
"""What summary.json holds of the last record."""


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
        self._beginning = Beginning(path)
        self._metrics = MetricsFile(self._beginning)

    @classmethod
    def create(cls, path: Path, config: Mapping[str, Any], environment: Mapping[str, Any]) -> Self:
        """Make the run folder, or open it for resuming if it holds this very run.

        `config` is the resolved config as plain mappings; `environment` is as `require_same` takes it. A resumed run keeps the
        environment it was started with.
        Raises `InputError` for a place that cannot be written, a folder with other things in it, a run of another version,
        another config or other data, and `BusyError` for a run that another process works on.
        """
        run = cls(path, lock_run(path))
        try:
            if run._beginning.missing():
                run._beginning.write(config, environment)
            else:
                run._beginning.require_same(config, environment)
                run._metrics.mend()
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
            missing = Beginning(path).missing()
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
        return self._beginning.config()

    def environment(self) -> dict[str, Any]:
        """Where and with what the run was started; raises `InputError` if that was edited."""
        return self._beginning.environment()

    @property
    def is_sealed(self) -> bool:
        """Whether the run's files have checksums: since darlr 0.3 they do."""
        return self._beginning.checksum is not None

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
        values = read_object(path)
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
        summary, chains = self.read_json(SUMMARY), self._metrics.records().chains
        if summary.pop(LAST_CHAIN, None) != (chains[-1] if chains else None):
            raise InputError(
                f"{self.path / SUMMARY}.json: does not belong to the {len(chains)} records of {METRICS}; {PUT_BACK}"
            )
        return summary

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write summary.json, which is made of the records as they are now."""
        chains = self._metrics.records().chains
        self.write_json(SUMMARY, {**summary, LAST_CHAIN: chains[-1]} if chains else summary)

    def remove(self, name: str) -> None:
        """Delete the file `name`, if it is there; raises `RunError` where it cannot be deleted."""
        try:
            (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{self.path / name}: cannot be deleted ({error.strerror})") from error

    def require_same(self, config: Mapping[str, Any], environment: Mapping[str, Any]) -> None:
        """Raise `InputError` if this is another run; see `Beginning.require_same`."""
        self._beginning.require_same(config, environment)

    def append_metrics(self, record: Mapping[str, float | int | None]) -> None:
        """Add the record of one epoch to metrics.jsonl; see `MetricsFile.append`."""
        self._metrics.append(record)

    def keep_metrics(self, epochs: int) -> None:
        """Drop the records of epochs beyond `epochs`; see `MetricsFile.keep`."""
        self._metrics.keep(epochs)

    def metrics(self) -> list[dict[str, Any]]:
        """The records so far, oldest first; a last line cut short by a crash is left out.

        Raises `InputError` naming file and line of a record that is none, is missing, stands elsewhere, or was edited.
        """
        return [dict(record) for record in self._metrics.records().values]

    def _tensors_path(self, name: str) -> Path:
        return self.path / f"{name}.safetensors"
