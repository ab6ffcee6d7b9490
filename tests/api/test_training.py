from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import darlr
from darlr.api.run import Run
from tests.api.data import SMALL, interactions, planted, truth
from tests.runs import results


class Stopper(darlr.Monitor):
    """Interrupts a run after its first epoch."""

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        raise KeyboardInterrupt


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def run(out: Path) -> Run:
    return darlr.train(planted(), "dorl", out=out, settings=SMALL)


def test_trains_on_frames_and_says_so(run: Run, out: Path) -> None:
    assert run.path.parent == out / "planted" / "dorl"
    assert run.config["dataset"] == planted().settings["dataset"]
    assert run.config["dataset"].startswith("frames:")
    assert [record["epoch"] for record in run.metrics] == [1, 2]
    assert run.summary["epochs"] == 2
    assert "popular" in run.opponents
    assert repr(run).startswith("Run(dorl on planted, seed 0, 2 epochs: R_tra ")
    assert "### dorl on planted, NX_0" in str(run)


def test_frames_train_as_the_same_tables_in_a_folder(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "planted"
    folder.mkdir()
    interactions().write_parquet(folder / "log.parquet")
    truth().write_parquet(folder / "truth.parquet")
    (folder / "dataset.yaml").write_text(
        "files: {interactions: log.parquet, truth: truth.parquet}\nleave: {by: never, max_steps: 10}\n"
        "reward: {feedback: ratings, minimum: 1, maximum: 5, positive_threshold: 4}\n"
    )
    other = darlr.train(folder, "dorl", out=tmp_path / "runs", settings=SMALL)
    assert results(other.path)["metrics"] == results(run.path)["metrics"]


def test_goes_on_with_the_same_frames(run: Run, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        darlr.train(planted(), "dorl", out=tmp_path, settings=SMALL, monitor=Stopper())
    [folder] = (tmp_path / "planted" / "dorl").iterdir()
    with pytest.raises(darlr.InputError, match="this run is not finished"):
        Run.open(folder)
    resumed = darlr.train(planted(), "dorl", out=tmp_path, settings=SMALL)
    assert resumed.path == folder
    assert results(resumed.path)["metrics"] == results(run.path)["metrics"]


def test_changed_frames_make_another_run(run: Run, out: Path) -> None:
    changed = planted(interactions().with_columns(reward=pl.Series([2] + [1] * 799)))
    other = darlr.train(changed, "dorl", out=out, settings=SMALL)
    assert other.path != run.path
    assert other.path.parent == run.path.parent


def test_a_run_from_disk_is_the_same(run: Run) -> None:
    opened = Run.open(str(run.path))
    assert (repr(opened), opened.summary, opened.dataset) == (repr(run), run.summary, None)


def test_recommends_raw_ids(run: Run) -> None:
    [ranked] = run.recommender().recommend([darlr.Request(user="u3")], count=4)
    assert len({entry.item for entry in ranked} & set(planted().item_ids.tolist())) == 4


def test_a_silent_monitor_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    darlr.train(planted(with_truth=False), "mbpo", out=tmp_path, settings=SMALL)
    assert capfd.readouterr() == ("", "")


def test_what_should_be_known_is_kept(tmp_path: Path) -> None:
    run = darlr.train(planted(with_truth=False), "mbpo", out=tmp_path, settings=SMALL)
    assert run.notices[0] == "the data set has no truth, so the policy is judged on held-out log rows only"
    assert any("better than popular" in notice for notice in run.notices[1:])
    assert f"note: {run.notices[0]}" in str(run)


def test_bad_arguments_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    for arguments, message in (
        ({"method": "dorll"}, "unknown method 'dorll'; did you mean 'dorl'?"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
        ({"settings": {"a2c.discont": 1}}, "unknown config key 'a2c.discont'; did you mean 'a2c.discount'?"),
        ({"monitor": Stopper(), "progress": True}, "both a monitor and progress=True are given; expected one of them"),
    ):
        with pytest.raises(darlr.InputError) as refused:
            darlr.train(planted(), **{"out": tmp_path, **arguments})  # type: ignore[arg-type]
        assert str(refused.value).startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_a_world_model_is_that_of_the_run(run: Run, out: Path) -> None:
    before = set((out / "planted" / "world-models").iterdir())
    model = darlr.fit_world_model(planted(), method="dorl", out=out, settings=SMALL)
    assert model.path in before
    estimates, uncertainty = model.predict(["u1", "u2"], ["i3", "i4", "i5"])
    assert estimates.shape == uncertainty.shape == (2, 3)
    everything, _ = model.predict()
    rows = [model.user_ids.tolist().index(user) for user in ("u1", "u2")]
    columns = [model.item_ids.tolist().index(item) for item in ("i3", "i4", "i5")]
    np.testing.assert_allclose(everything[np.ix_(rows, columns)], estimates, rtol=1e-4)
    with pytest.raises(darlr.InputError, match=r"^unknown user 'u99'; expected an id of the log$"):
        model.predict(["u99"])


def test_compares_runs(run: Run, out: Path) -> None:
    other = darlr.train(planted(), "mbpo", out=out, settings=SMALL)
    shown = str(darlr.compare(run, other.path))
    assert "dorl" in shown
    assert "mbpo" in shown
    assert "R_tra" in shown
