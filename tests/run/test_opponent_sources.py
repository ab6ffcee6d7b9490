"""Opponents that learn are fitted once for a data set and a seed, and which ones stand beside a method is a setting."""

from pathlib import Path

import pytest

from darlr.artifacts import read_tensors
from darlr.artifacts.tensors import write_tensors
from darlr.errors import InputError
from darlr.run.evaluating import evaluate_by_log
from tests.runs import train_small, write_planted_world
from tests.worlds import CPU

FEW = {"method": "ucb", "training": {"epochs": 1, "steps_per_epoch": 60, "environments": 10}}


def changed(folder: Path) -> dict[str, int]:
    """When each fit was written."""
    return {file.name: file.stat().st_mtime_ns for file in folder.glob("*.safetensors")}


def test_a_fit_serves_every_run_of_its_seed(tmp_path: Path) -> None:
    asked = {"evaluation": {"opponents": ["ease", "linear_thompson"]}}
    first = train_small(tmp_path, {**FEW, **asked})
    found = changed(tmp_path / first.dataset / "opponents")
    assert sorted(name.partition("-")[0] for name in found) == ["ease", "linear_thompson"]
    other = train_small(tmp_path, {**FEW, **asked, "method": "epsilon-greedy"})
    assert changed(tmp_path / first.dataset / "opponents") == found
    for name in ("ease", "linear_thompson"):
        assert other.summary["opponents"][name] == first.summary["opponents"][name]
    assert first.summary["opponents"].keys() - {"uniform_random", "truth_oracle"} == {
        f"{name}{kind}" for name in ("popular", "ease", "linear_thompson") for kind in ("", "_skipping")
    }
    seeded = train_small(tmp_path, {**FEW, **asked, "seed": 1})
    assert len(changed(tmp_path / first.dataset / "opponents")) == 4
    assert seeded.summary["opponents"]["linear_thompson"] != first.summary["opponents"]["linear_thompson"]


def test_by_default_the_quick_ones_are_fitted(tmp_path: Path) -> None:
    summary = train_small(tmp_path, {**FEW, "evaluation": {"noise": 1.0}}).summary
    quick = {"ease", "item_knn", "implicit_als", "lin_ucb", "linear_thompson"}
    assert quick <= summary["opponents"].keys()
    assert not {"bpr", "feature_factorisation", "sasrec", "gru4rec"} & summary["opponents"].keys()
    assert {"lin_ucb", "linear_thompson_skipping"} <= summary["opponents_noisy"].keys()


def test_a_damaged_fit_is_named(tmp_path: Path) -> None:
    asked = {"evaluation": {"opponents": ["item_knn"]}}
    run = train_small(tmp_path, {**FEW, **asked})
    [file] = (tmp_path / run.dataset / "opponents").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(InputError, match=r"item_knn-.*safetensors: cannot be used"):
        train_small(tmp_path, {**FEW, **asked, "method": "epsilon-greedy"})


def test_a_fit_of_another_shape_is_named(tmp_path: Path) -> None:
    asked = {"evaluation": {"opponents": ["implicit_als"]}}
    run = train_small(tmp_path, {**FEW, **asked})
    [file] = (tmp_path / run.dataset / "opponents").glob("*.safetensors")
    tensors, state = read_tensors(file)
    others = (
        {"users": tensors["users"]},
        {**tensors, "users": tensors["users"][:-1]},
        {**tensors, "items": tensors["items"][:-1]},
        {**tensors, "items": tensors["items"] * float("nan")},
    )
    for other in others:
        write_tensors(file, other, state)
        with pytest.raises(InputError, match=r"implicit_als-.*safetensors: ") as caught:
            train_small(tmp_path, {**FEW, **asked, "method": "epsilon-greedy"})
        assert len(str(caught.value).splitlines()) == 1


def test_an_opponent_that_nobody_knows_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="easy"):
        train_small(tmp_path, {**FEW, "evaluation": {"opponents": ["easy"]}})
    assert not list(tmp_path.iterdir())


def test_a_log_judges_the_same_ones(tmp_path: Path) -> None:
    write_planted_world(tmp_path / "own", truth=False)
    settings = {**FEW, "dataset": "own", "evaluation": {"opponents": ["item_knn", "lin_ucb"]}}
    run = train_small(tmp_path / "runs", settings, tmp_path)
    assert run.summary["opponents"].keys() == {"popular", "item_knn", "lin_ucb"}
    found = changed(tmp_path / "runs" / run.dataset / "opponents")
    judged = evaluate_by_log(run.path, None, 0, tmp_path, CPU)
    assert {"popular", "item_knn", "lin_ucb"} <= judged["held_out"].keys()
    assert changed(tmp_path / "runs" / run.dataset / "opponents") == found
