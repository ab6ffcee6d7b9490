"""A run's last policy is judged as its opponents are: on every user once."""

from pathlib import Path

import pytest

from darlr.evaluation.user_returns import USER_RETURNS, read_user_returns
from tests.runs import Listener, train_small, write_planted_world


def test_a_list_is_worth_the_same_as_a_method_and_as_an_opponent(tmp_path: Path) -> None:
    run = train_small(tmp_path, {"method": "epsilon-greedy", "training": {"epochs": 1}})
    summary = run.summary
    users, returns = read_user_returns(run.path / USER_RETURNS)
    assert len(users) == 40
    assert returns["policy"].tolist() == returns["greedy_world_model"].tolist()
    for name, modes in summary["opponents"].items():
        assert returns[name].mean() == pytest.approx(modes["nx_0"]["r_tra"])
    assert summary["every_user"] == summary["opponents"]["greedy_world_model"]
    assert summary["every_user_sampled"].keys() == summary["every_user"].keys()
    assert summary["every_user"]["nx_0"]["r_tra"] != summary["nx_0"]["greedy"]["r_tra"]["last20"]["mean"]  # drawn users


def test_held_out_rows_are_those_of_every_user_anyway(tmp_path: Path) -> None:
    write_planted_world(tmp_path / "own", truth=False)
    settings = {"dataset": "own", "method": "mbpo", "training": {"epochs": 2, "steps_per_epoch": 200}}
    summary = train_small(tmp_path / "runs", settings, tmp_path).summary
    last = {metric: values["last20"]["mean"] for metric, values in summary["held_out"]["greedy"].items()}
    assert summary["every_user"] == {"held_out": last}


def test_noisy_users_are_a_test_of_their_own(tmp_path: Path) -> None:
    settings = {"method": "bayes-adaptive", "training": {"epochs": 1, "steps_per_epoch": 500, "environments": 20}}
    summary = train_small(tmp_path, {**settings, "evaluation": {"noise": 1.0}}).summary
    assert summary["every_user_noisy"].keys() == {"nx_0", "fb", "nx_10"}
    assert summary["every_user_noisy"] != summary["every_user"]
    attentive = ("list_with_belief", "lin_ucb", "linear_thompson")
    assert summary["opponents_noisy"].keys() == {f"{name}{kind}" for name in attentive for kind in ("", "_skipping")}
    louder = train_small(tmp_path, {**settings, "evaluation": {"noise": 4.0}}).summary
    assert louder["every_user"] == summary["every_user"]
    assert louder["every_user_noisy"] != summary["every_user_noisy"]
    quiet = train_small(tmp_path, {**settings, "evaluation": {"noise": 0.0}}).summary
    assert quiet["every_user"] == summary["every_user"]
    assert quiet["every_user_noisy"] == {}
    assert quiet["opponents_noisy"] == {}


def test_the_lists_factor_model_is_fitted_once_for_all_methods_of_a_seed(tmp_path: Path) -> None:
    few = {"training": {"epochs": 1, "steps_per_epoch": 60, "environments": 10}}
    first = train_small(tmp_path, {"method": "epsilon-greedy", **few})
    store = tmp_path / first.dataset / "world-models"
    models = {path.name: path.stat().st_mtime_ns for path in store.glob("*.safetensors")}
    assert len(models) == 2  # the run's own, and the lists'
    others = [train_small(tmp_path, {"method": method, **few}) for method in ("ucb", "gt-adaptive")]
    after = {path.name: path.stat().st_mtime_ns for path in store.glob("*.safetensors")}
    assert models.items() <= after.items()
    for other in others:
        for name in ("variational", "list_with_belief_skipping"):
            assert other.summary["opponents"][name] == first.summary["opponents"][name]


def test_a_log_that_no_factor_model_fits_has_other_lists_and_says_why(tmp_path: Path) -> None:
    listener = Listener()
    settings = {
        "method": "epsilon-greedy",
        "factors": {"link": "log"},
        "training": {"epochs": 1},
        "evaluation": {"noise": 1.0},
    }
    write_planted_world(tmp_path / "own", positive_only=True)
    summary = train_small(tmp_path / "runs", {"dataset": "own", **settings}, tmp_path, listener).summary
    assert any("no lists of a factor model are shown: config key 'factors.link'" in text for text in listener.notices)
    assert "popular" in summary["opponents"]
    assert not any("variational" in name or "belief" in name for name in summary["opponents"])
    assert summary["every_user_noisy"] == {}
