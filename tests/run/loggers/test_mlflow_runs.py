"""MLflow receives every number once, however the run was stopped, and the settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from darlr.artifacts import RunFolder
from darlr.config.loading import merge
from darlr.errors import RunError
from darlr.run.loggers.interface import LoggedRun
from darlr.run.loggers.mlflow_runs import MlflowRun
from darlr.run.training import train
from tests.runs import SMALL, SMALL_WORLD, Listener
from tests.worlds import CPU

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed (pip install 'darlr[mlflow]')")
pytest.importorskip("sqlalchemy")

VALUES = merge(SMALL, SMALL_WORLD)


class Stopper(Listener):
    """Stops the run after its second epoch."""

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        if record["epoch"] == 2:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow") / "mlflow.db"


@pytest.fixture
def client(database: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    return mlflow.MlflowClient()


def runs_of(client: Any, name: str = "synthetic dorl seed 0") -> list[Any]:
    experiment = client.get_experiment_by_name("darlr").experiment_id
    return list(client.search_runs([experiment], f"attributes.run_name = '{name}'"))


def test_every_number_is_there_once_after_a_stop(client: Any, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(VALUES, None, tmp_path, CPU, Stopper(), ["mlflow"])
    [stopped] = runs_of(client)
    assert stopped.info.status == "KILLED"
    finished = train(VALUES, None, tmp_path, CPU, Listener(), ["mlflow"])
    train(VALUES, None, tmp_path, CPU, Listener(), ["mlflow"])  # finished already: nothing is doubled
    [run] = runs_of(client)
    assert (run.info.run_id, run.info.status) == (stopped.info.run_id, "FINISHED")
    records = RunFolder.open(finished.path).metrics()
    for name in ("nx_0/sampled/r_tra", "loss/policy"):
        history = client.get_metric_history(run.info.run_id, name)
        assert [(point.step, point.value) for point in history] == [(record["epoch"], record[name]) for record in records]
    assert run.data.params["training.epochs"] == "3"
    assert run.data.params["synthetic.users"] == "40"
    assert run.data.tags["darlr.folder"] == str(finished.path.absolute())
    assert run.info.run_name == "synthetic dorl seed 0"


def test_many_settings_and_numbers_fit_into_requests(client: Any, tmp_path: Path) -> None:
    settings = {f"key.{number}": "x" * 7_000 for number in range(250)}
    with MlflowRun(LoggedRun(tmp_path, "key", "name", settings, {})) as run:
        run.add([{"epoch": 1, "unknown": None, **{f"metric/{number}": number for number in range(1_500)}}])
    [found] = runs_of(client, "name")
    assert len(found.data.params) == 250
    assert len(found.data.metrics) == 1_501
    assert "unknown" not in found.data.metrics


def test_a_place_that_cannot_be_used_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://here")
    with pytest.raises(RunError, match=r"^MLflow \(--mlflow\) cannot be written: ") as refusal:
        MlflowRun(LoggedRun(tmp_path, "key", "name", {}, {}))
    assert "\n" not in str(refusal.value)
