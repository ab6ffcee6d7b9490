"""`darlr complete`, and reading its truth."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darlr.config.experiment import ExperimentConfig
from darlr.data.registry import load
from darlr.data.settings import DataConfig
from darlr.errors import InputError
from tests.cli.conftest import Command
from tests.official_files.coat import TRUTH, write_coat
from tests.official_files.kuairand import write_kuairand
from tests.official_files.movielens import write_100k
from tests.official_files.yahoo import write_yahoo

QUICK = [
    word
    for pair in ("sweeps=2", "factors=[3]", "factor_penalties=[5]", "bias_penalties=[4]", "folds_tested=1")
    for word in ("--set", f"completion.{pair}")
]
COMPLETED = ExperimentConfig(dataset="coat", data=DataConfig(truth="completed"))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Coat without its published truth, and Yahoo! R3; with a cache of its own."""
    folder = tmp_path / "data"
    write_coat(folder)
    for published in folder.rglob(TRUTH):
        published.unlink()
    write_yahoo(folder / "yahoo")
    monkeypatch.setenv("DARLR_CACHE", str(tmp_path / "cache"))
    return folder


def test_coat_is_completed_and_then_read(darlr: Command, data: Path) -> None:
    ended = darlr("complete", "coat", *QUICK)
    assert ended.code == 0, ended.err
    assert "held-out RMSE" in ended.out
    loaded = load(COMPLETED, data)
    assert loaded.truth is not None
    assert isinstance(loaded.truth.rewards, np.memmap)
    assert set(np.unique(loaded.truth.rewards)) <= {1, 2, 3, 4, 5}
    assert loaded.dataset.hashes["completed truth"] in ended.out
    (manifest,) = (data.parent / "cache" / "completed" / "coat").glob("*.json")
    assert json.loads(manifest.read_text())["settings"]["sweeps"] == 2
    assert darlr("check", "coat", "--data-dir", data).code == 2  # the published truth is not there


def test_a_truth_that_is_asked_for_has_to_be_made(data: Path) -> None:
    with pytest.raises(InputError, match=r"\.npy: no such file; run `darlr complete coat`$"):
        load(COMPLETED, data)


def test_a_changed_input_is_not_taken_for_the_former(darlr: Command, data: Path) -> None:
    assert darlr("complete", "coat", *QUICK).code == 0
    ratings = data / "coat" / "test.ascii"
    ratings.write_text(ratings.read_text().replace("1", "2"))
    with pytest.raises(InputError, match=r"\.npy: no such file; run `darlr complete coat`$"):
        load(COMPLETED, data)


def test_yahoo_has_a_truth_once_it_is_completed(darlr: Command, data: Path) -> None:
    config = ExperimentConfig(dataset="yahoo")
    before = load(config, data)
    assert before.truth is None
    assert darlr("complete", "yahoo", *QUICK).code == 0
    loaded = load(config, data)
    assert loaded.truth is not None
    assert loaded.truth.rewards.shape == (before.dataset.world.n_users, before.dataset.world.n_items)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("caot",), "unknown data set 'caot'; did you mean 'coat'?"),
        (("synthetic",), "data set 'synthetic' has no ratings that its truth could be completed from"),
        (("movielens-1m",), "data set 'movielens-1m' is not complete"),
        (("coat", "--set", "completion.sweeps=0"), "config key 'completion.sweeps' is 0; expected from 1 to 100,000"),
        (("coat", "--set", "completion.sweps=1"), "unknown config key 'completion.sweps'; did you mean 'completion.sweeps'?"),
        (
            ("coat", "--set", "completion.factors=[5,10000]"),
            "config key 'completion.factors' is [5, 10000], which takes about",
        ),
        (("coat", "--set", "completion.factors=[]"), "config key 'completion.factors' is []; expected one or more values"),
        (
            ("coat", "--set", "completion.bias_penalties=[0]"),
            "config key 'completion.bias_penalties' is [0.0]; expected one or more",
        ),
        (("coat", "--set", "completion.folds_tested=11"), "config key 'completion.folds_tested' is 11; expected 1..10 (folds)"),
        (
            ("coat", "--set", "completion.minimum=0.5"),
            "config key 'completion.whole' is True; expected false",
        ),
        (
            ("coat", "--set", "completion.minimum=5"),
            "config key 'completion.minimum' is 5.0; expected less than",
        ),
        (("coat", "--set", "data.logs=both"), "config key 'data.logs' is 'both', but data set 'coat' has no such choice"),
    ],
)
def test_refuses_what_it_cannot_complete(darlr: Command, data: Path, arguments: tuple[str, ...], message: str) -> None:
    ended = darlr("complete", *arguments)
    assert ended.code == 2
    assert message in " ".join(ended.err.split())
    assert not (data.parent / "cache" / "completed").exists()


def test_coat_without_its_test_ratings_cannot_be_completed(darlr: Command, data: Path) -> None:
    (data / "coat" / "test.ascii").unlink()
    ended = darlr("complete", "coat")
    assert ended.code == 2
    assert "test.ascii missing in" in ended.err


def test_kuairand_is_completed_to_chances_of_a_click(darlr: Command, data: Path) -> None:
    write_kuairand(data / "kuairand")
    ended = darlr("complete", "kuairand", *QUICK)
    assert ended.code == 0, ended.err
    truth = load(ExperimentConfig(dataset="kuairand"), data).truth
    assert truth is not None
    assert 0 <= truth.rewards.min() < truth.rewards.max() <= 1
    assert len(np.unique(truth.rewards)) > 10


def test_movielens_is_completed_from_what_is_not_the_log(darlr: Command, data: Path) -> None:
    write_100k(data / "movielens-100k")
    ended = darlr("complete", "movielens-100k", *QUICK)
    assert ended.code == 0, ended.err
    assert "note: not as published: ratings: 2,400; the published data set has 100,000" in ended.err
    config = ExperimentConfig(dataset="movielens-100k")
    assert load(config, data).truth is not None
    assert load(replace(config, data=DataConfig(log_share=0.2)), data).truth is None  # other ratings, another truth
