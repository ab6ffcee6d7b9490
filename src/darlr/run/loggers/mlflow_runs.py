"""Logs a run's numbers to MLflow: a run of the experiment `darlr`, in the store that MLflow is configured for."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from types import TracebackType
from typing import Any, Self

from darlr.errors import RunError
from darlr.run.loggers.interface import LoggedRun, numbers_of
from darlr.text import shortened

EXPERIMENT = "darlr"
KEY = "darlr.run"
"""The tag by which a resumed run finds its former MLflow run."""
EPOCH = "epoch"
"""Written with each record as the last of its numbers, so that it shows which records are complete."""
MOST_PARAMETERS, MOST_METRICS, MOST_TEXT = 100, 1_000, 6_000
"""Limits of MLflow's servers: parameters and metrics of one request, and characters of a value."""


class MlflowRun:
    """Writes to the server, database or folder of MLFLOW_TRACKING_URI; without it to mlflow.db in the working folder."""

    def __init__(self, run: LoggedRun) -> None:
        from mlflow import MlflowClient  # noqa: PLC0415

        with _refusing():
            self._client = MlflowClient()
            self._id, self._done = self._found(run) or (self._begun(run), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        status = "FINISHED" if kind is None else "FAILED" if issubclass(kind, Exception) else "KILLED"
        with _refusing():
            self._client.set_terminated(self._id, status)

    def add(self, records: Sequence[Mapping[str, Any]]) -> None:
        from mlflow.entities import Metric  # noqa: PLC0415

        now = int(time.time() * 1000)
        for record in records:
            if record["epoch"] <= self._done:
                continue
            numbers = {**numbers_of(record), EPOCH: record["epoch"]}
            metrics = (Metric(name, float(value), now, record["epoch"]) for name, value in numbers.items())
            while batch := list(islice(metrics, MOST_METRICS)):
                with _refusing():
                    self._client.log_batch(self._id, metrics=batch)
            self._done = record["epoch"]

    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(EXPERIMENT)
        made: str = self._client.create_experiment(EXPERIMENT) if found is None else found.experiment_id
        return made

    def _found(self, run: LoggedRun) -> tuple[str, int] | None:
        """The id of this run's former MLflow run, and its number of written epochs; None if there is none."""
        runs = self._client.search_runs([self._experiment()], f"tags.`{KEY}` = '{run.key}'", max_results=1)
        if not runs:
            return None
        self._client.update_run(runs[0].info.run_id, status="RUNNING")
        return runs[0].info.run_id, int(runs[0].data.metrics.get(EPOCH, 0))

    def _begun(self, run: LoggedRun) -> str:
        from mlflow.entities import Param  # noqa: PLC0415

        tags = {KEY: run.key, "darlr.folder": str(run.path.absolute())}
        tags |= {f"darlr.{name}": value for name, value in run.environment.items()}
        made: str = self._client.create_run(self._experiment(), tags=tags, run_name=run.name).info.run_id
        parameters = (Param(key, shortened(str(value), MOST_TEXT)) for key, value in run.settings.items())
        while batch := list(islice(parameters, MOST_PARAMETERS)):
            self._client.log_batch(made, params=batch)
        return made


@contextmanager
def _refusing() -> Iterator[None]:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        yield
    except (MlflowException, OSError) as error:
        raise RunError(f"MLflow (--mlflow) cannot be written: {error}") from error
