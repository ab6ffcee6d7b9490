"""Logs a run's numbers to TensorBoard."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from darlr.errors import RunError
from darlr.run.loggers.interface import LoggedRun, numbers_of

FOLDER = "tensorboard"


class EventFiles:
    """Event files in the folder `tensorboard` of a run: a point for each number of a record, at its epoch.

    They are written anew from the records whenever the run is resumed. No point is missing or double, whenever the run was
    stopped.
    """

    def __init__(self, run: LoggedRun) -> None:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415

        self._folder = run.path / FOLDER
        try:
            for old in self._folder.glob("events.out.tfevents.*"):
                old.unlink()
            self._writer = SummaryWriter(str(self._folder))
        except OSError as error:
            raise self._refusal(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()

    def add(self, records: Sequence[Mapping[str, Any]]) -> None:
        try:
            for record in records:
                for name, value in numbers_of(record).items():
                    self._writer.add_scalar(name, value, record["epoch"])
            self._writer.flush()
        except OSError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: OSError) -> RunError:
        return RunError(f"{self._folder}: cannot be written ({error.strerror})")
