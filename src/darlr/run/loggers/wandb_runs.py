"""Logs a run's numbers to Weights & Biases: a run of the project `darlr`, unless WANDB_PROJECT names another project."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from darlr.errors import RunError
from darlr.run.loggers.interface import LoggedRun, numbers_of

PROJECT = "darlr"


class WandbRun:
    """Sends to the server that wandb is configured for; with WANDB_MODE=offline it writes to the folder `wandb` of the run.

    A resumed run has the same id. A server knows the last written step. Without a server all records are written again, at
    the same steps, and a server that receives them later takes each step once.
    """

    def __init__(self, run: LoggedRun) -> None:
        import wandb  # noqa: PLC0415

        with _refusing():
            self._run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", PROJECT),
                id=run.key,
                name=run.name,
                dir=run.path,
                config={**run.settings, **{f"darlr.{name}": value for name, value in run.environment.items()}},
                resume="allow",
                settings=wandb.Settings(silent=True, console="off"),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with _refusing():
            self._run.finish(exit_code=0 if kind is None else 1)

    def add(self, records: Sequence[Mapping[str, Any]]) -> None:
        for record in records:
            if record["epoch"] >= self._run.starting_step:
                with _refusing():
                    self._run.log(numbers_of(record), step=record["epoch"])


@contextmanager
def _refusing() -> Iterator[None]:
    from wandb.errors import Error  # noqa: PLC0415

    try:
        yield
    except (Error, OSError) as error:
        raise RunError(f"Weights & Biases (--wandb) cannot be written: {error}") from error
