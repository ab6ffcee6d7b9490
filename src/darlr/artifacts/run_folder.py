"""The folder of one run: its config, environment, metrics, checkpoint and results."""

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
"""The key in summary.json of the last record's chain."""


class RunFolder:
    """A run on disk: `create` it to work on it (one process at a time), `open` it to read it.

    Every file in it is whole at any moment, even if the process dies. A run is locked while a process works on it; `close`,
    the end of a `with` block and the end of the process unlock it.

    Reading verifies checksums: those in environment.json and summary.json, that of the settings in environment.json, and
    the chain of the records in metrics.jsonl (`records`). Runs begun by darlr before 0.3 have no checksums; their settings
    are checked against the folder's name, and their records by the epochs' numbers.
    """

    def __init__(self, path: Path, lock: IO[bytes] | None = None) -> None:
        self.path = path
        self._lock = lock
        self._beginning = Beginning(path)
        self._metrics = MetricsFile(self._beginning)

    @classmethod
    def create(cls, path: Path, config: Mapping[str, Any], environment: Mapping[str, Any]) -> Self:
        """Make the run folder, or open it for resuming if it holds this very run, which keeps its first environment.

        Args:
            path: the folder.
            config: the resolved config as plain mappings.
            environment: as `Beginning.require_same` takes it.

        Raises:
            InputError: if the place cannot be written, or the folder holds other files or a run of another version, config
                or data.
            BusyError: if another process works on the run.
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
        """Open a run for reading, finished or not; `path` is its folder or a pointer to it.

        Raises:
            InputError: naming the files that the folder lacks.
        """
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
        """Unlock the run, so that another process may work on it."""
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def config(self) -> dict[str, Any]:
        """Return the run's resolved config as plain mappings.

        Raises:
            InputError: if the file was edited.
        """
        return self._beginning.config()

    def environment(self) -> dict[str, Any]:
        """Return the environment in which the run was started.

        Raises:
            InputError: if the file was edited.
        """
        return self._beginning.environment()

    @property
    def is_sealed(self) -> bool:
        """Whether the run's files have checksums, as they do since darlr 0.3."""
        return self._beginning.checksum is not None

    def has_tensors(self, name: str) -> bool:
        """Return whether the file that `save_tensors(name, ...)` writes exists."""
        return self._tensors_path(name).is_file()

    def save_tensors(self, name: str, tensors: Mapping[str, "torch.Tensor"], state: Mapping[str, Any]) -> None:
        """Write `<name>.safetensors`; see `write_tensors`."""
        from darlr.artifacts.tensors import write_tensors  # noqa: PLC0415 (a report reads records without importing torch)

        write_tensors(self._tensors_path(name), tensors, state)

    def load_tensors(self, name: str) -> tuple[dict[str, "torch.Tensor"], dict[str, Any]]:
        """Read `<name>.safetensors`; see `read_tensors`."""
        from darlr.artifacts.tensors import read_tensors  # noqa: PLC0415 (a report reads records without importing torch)

        return read_tensors(self._tensors_path(name))

    def has_json(self, name: str) -> bool:
        """Return whether the file that `write_json(name, ...)` writes exists."""
        return (self.path / f"{name}.json").is_file()

    def read_json(self, name: str) -> dict[str, Any]:
        """Read `<name>.json`, a JSON object.

        Raises:
            InputError: naming the file, if it is not a JSON object or was edited.
        """
        path = self.path / f"{name}.json"
        values = read_object(path)
        return unsealed(values, str(path)) if self.is_sealed else values

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write `<name>.json`; None is allowed.

        Raises:
            RunError: for NaN and infinity.
        """
        path = self.path / f"{name}.json"
        text = encode_json(dict(value), str(path), indent=2)
        if self.is_sealed:
            text = encode_json(sealed(value), str(path), indent=2)
        write_bytes(path, text.encode())

    def read_summary(self) -> dict[str, Any]:
        """Read summary.json.

        Raises:
            InputError: if the summary was edited, or a record that it was made from.
        """
        summary, chains = self.read_json(SUMMARY), self._metrics.records().chains
        if summary.pop(LAST_CHAIN, None) != (chains[-1] if chains else None):
            raise InputError(
                f"{self.path / SUMMARY}.json: does not belong to the {len(chains)} records of {METRICS}; {PUT_BACK}"
            )
        return summary

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write summary.json, which is bound to the present records."""
        chains = self._metrics.records().chains
        self.write_json(SUMMARY, {**summary, LAST_CHAIN: chains[-1]} if chains else summary)

    def remove(self, name: str) -> None:
        """Delete the file `name` if it exists.

        Raises:
            RunError: if it cannot be deleted.
        """
        try:
            (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{self.path / name}: cannot be deleted ({error.strerror})") from error

    def require_same(self, config: Mapping[str, Any], environment: Mapping[str, Any]) -> None:
        """Raise `InputError` if the folder holds another run; see `Beginning.require_same`."""
        self._beginning.require_same(config, environment)

    def append_metrics(self, record: Mapping[str, float | int | None]) -> None:
        """Add the record of one epoch to metrics.jsonl; see `MetricsFile.append`."""
        self._metrics.append(record)

    def keep_metrics(self, epochs: int) -> None:
        """Drop the records of epochs beyond `epochs`; see `MetricsFile.keep`."""
        self._metrics.keep(epochs)

    def metrics(self) -> list[dict[str, Any]]:
        """Return the records, oldest first; a last line that a crash cut short is left out.

        Raises:
            InputError: naming the file and line of a record that is malformed, missing, out of place or edited.
        """
        return [dict(record) for record in self._metrics.records().values]

    def _tensors_path(self, name: str) -> Path:
        return self.path / f"{name}.safetensors"
