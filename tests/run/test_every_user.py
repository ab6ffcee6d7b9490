"""A run's last policy is judged as its opponents are: on every user once."""

from pathlib import Path

from tests.runs import train_small, write_planted_world


def test_a_list_is_worth_the_same_as_a_method_and_as_an_opponent(tmp_path: Path) -> None:
    summary = train_small(tmp_path, {"method": "epsilon-greedy", "training": {"epochs": 1}}).summary
    assert summary["every_user"] == summary["opponents"]["greedy_world_model"]
    assert summary["every_user"]["nx_0"]["r_tra"] != summary["nx_0"]["greedy"]["r_tra"]["last20"]["mean"]  # drawn users


def test_held_out_rows_are_those_of_every_user_anyway(tmp_path: Path) -> None:
    write_planted_world(tmp_path / "own", truth=False)
    settings = {"dataset": "own", "method": "mbpo", "training": {"epochs": 2, "steps_per_epoch": 200}}
    summary = train_small(tmp_path / "runs", settings, tmp_path).summary
    last = {metric: values["last20"]["mean"] for metric, values in summary["held_out"]["greedy"].items()}
    assert summary["every_user"] == {"held_out": last}
