"""A run's numbers as TensorBoard event files, a copy of metrics.jsonl."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from darlr.errors import InputError, RunError

FOLDER = "tensorboard"


def require_tensorboard() -> None:
    """Raise `InputError` if TensorBoard is not installed."""
    try:
        import tensorboard  # noqa: F401, PLC0415
    except ImportError as error:
        raise InputError("--tensorboard needs TensorBoard; install it with: pip install 'darlr[tb]'") from error


class EventFiles:
    """Event files in the folder `tensorboard` of a run: a point for each number of a record, at its epoch.

    They are written anew from the records whenever the run resumes, so no point is doubled or missing, even if the run
    began without them. Every method raises `RunError` if they cannot be written.
    """

    def __init__(self, run: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415

        self._folder = run / FOLDER
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
        """Write the records of one or more epochs; unknown values (None) are left out."""
        try:
            for record in records:
                for name, value in record.items():
                    if name != "epoch" and value is not None:
                        self._writer.add_scalar(name, value, record["epoch"])
            self._writer.flush()
        except OSError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: OSError) -> RunError:
        return RunError(f"{self._folder}: cannot be written ({error.strerror})")
