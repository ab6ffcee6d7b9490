"""The interface of loggers, and the run that they receive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from darlr.artifacts import RunFolder
from darlr.config.loading import stable_hash


@dataclass(frozen=True)
class LoggedRun:
    """The run whose numbers are logged.

    Attributes:
        path: its folder.
        key: identifies the run, and stays the same when the run is resumed or moved.
        name: shown to people.
        settings: by dotted key, resolved.
        environment: versions, device and the like, as text.
    """

    path: Path
    key: str
    name: str
    settings: Mapping[str, Any]
    environment: Mapping[str, str]

    @classmethod
    def of(cls, folder: RunFolder, dataset: str) -> Self:
        """The run in `folder`, on the data set `dataset`."""
        config, environment = folder.config(), folder.environment()
        told = {key: str(value) for key, value in environment.items() if not isinstance(value, Mapping)}
        name = f"{dataset} {config['method']} seed {config['seed']}"
        return cls(folder.path, stable_hash([config, environment]), name, dict(_flat(config)), told)


class Logger(Protocol):
    """Receives a run's records. When a run begins or is resumed it receives all records so far, and must not write any twice.

    Every method, and the constructor, raises `RunError` if the numbers cannot be written.
    """

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def add(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write the records of one or more epochs, oldest first; unknown values (None) are left out."""


def numbers_of(record: Mapping[str, Any]) -> dict[str, float]:
    """The known numbers of a record, without its epoch."""
    return {name: value for name, value in record.items() if name != "epoch" and value is not None}


def _flat(values: Mapping[str, Any], prefix: str = "") -> "list[tuple[str, Any]]":
    flat: list[tuple[str, Any]] = []
    for key, value in values.items():
        flat += _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [(f"{prefix}{key}", value)]
    return flat
