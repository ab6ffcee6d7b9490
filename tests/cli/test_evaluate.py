"""`darlr evaluate`: any mode, any number of users, other truths."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.runs import train_small, write_planted_world, write_truth


def measured(darlr: Command, run: Path, planted: Path, *options: object) -> dict[str, Any]:
    """Return the JSON that `--output` writes."""
    ended = darlr("evaluate", run, "--data-dir", planted, "--output", "results.json", *options)
    assert (ended.code, ended.err) == (0, "")
    values: dict[str, Any] = json.loads(Path("results.json").read_text())
    return values


def test_every_mode_sampled_and_greedy(darlr: Command, run: Path, planted: Path) -> None:
    found = measured(darlr, run, planted)
    assert {mode: list(policies) for mode, policies in found.items()} == {
        mode: ["sampled", "greedy"] for mode in ("nx_0", "fb", "nx_10")
    }
    assert found == measured(darlr, run, planted)
    other = measured(darlr, run, planted, "--seed", 1)
    assert other["nx_0"]["sampled"] != found["nx_0"]["sampled"]
    assert other["nx_0"]["greedy"] == found["nx_0"]["greedy"]


def test_one_mode_one_policy_and_users_drawn(darlr: Command, run: Path, planted: Path) -> None:
    found = measured(darlr, run, planted, "--mode", "nx_10", "--policy", "sampled", "--users", 1)
    assert list(found) == ["nx_10"]
    assert list(found["nx_10"]) == ["sampled"]
    assert found["nx_10"]["sampled"]["cv"] == 10 / 40  # one user's ten different items, of forty


def test_tables_in_files(darlr: Command, run: Path, planted: Path) -> None:
    for name in ("table.csv", "table.md"):
        ended = darlr("evaluate", run, "--data-dir", planted, "--mode", "nx_10", "--policy", "greedy", "--output", name)
        assert ended.code == 0
        assert "R_tra" in ended.out
    [row] = csv.DictReader(Path("table.csv").read_text().splitlines())
    assert (row["mode"], row["policy"], float(row["Length"])) == ("nx_10", "greedy", 10)
    assert "| nx_10 | greedy |" in Path("table.md").read_text()


def test_a_data_set_whose_folder_was_moved_is_given_its_new_place(darlr: Command, planted: Path, tmp_path: Path) -> None:
    home = shutil.copytree(planted / "planted", tmp_path / "home")
    path = train_small(Path("runs"), {"dataset": str(home)}).path
    moved = home.rename(tmp_path / "moved")
    ended = darlr("evaluate", path, "--mode", "nx_10", "--policy", "greedy")
    assert ended.code == 2
    assert ended.err.endswith(
        "home: no such folder; expected a data set in the folder format (docs/your_data.md); "
        "--dataset names a folder that was moved\n"
    )
    assert darlr("evaluate", path, "--mode", "nx_10", "--policy", "greedy", "--dataset", moved).code == 0
    assert darlr("promote", path, "--to", "serving", "--dataset", moved).code == 0
    truth = moved / "truth.csv"
    truth.write_text(truth.read_text().replace("5", "4", 1))
    ended = darlr("evaluate", path, "--dataset", moved)
    assert ended.code == 2
    assert "'truth.csv' has changed since this run" in ended.err


def test_another_truth_tests_other_users_of_the_log(darlr: Command, run: Path, planted: Path) -> None:
    other = shutil.copytree(planted / "planted", Path("other"))
    write_truth(other / "truth.csv", range(20, 40), 5, 1)
    options = ("--policy", "greedy", "--mode", "nx_0")
    same_taste = measured(darlr, run, planted, "--truth", other, *options)["nx_0"]["greedy"]["r_tra"]
    write_truth(other / "truth.csv", range(20, 40), 1, 5)
    reverse = measured(darlr, run, planted, "--truth", other, *options)["nx_0"]["greedy"]["r_tra"]
    assert same_taste + reverse == pytest.approx(60)  # ten items, each 5 to one of the two tastes and 1 to the other


def test_a_generated_world_is_generated_again(darlr: Command, tmp_path: Path) -> None:
    run = train_small(tmp_path / "runs", {"method": "mbpo", "synthetic": {"users": 20, "items": 60, "seed": 4}}).path
    found = measured(darlr, run, tmp_path, "--mode", "nx_10", "--policy", "sampled", "--users", 1)
    assert found["nx_10"]["sampled"]["cv"] == pytest.approx(10 / 60)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--users", 0], "the number of users is 0; expected from 1 to 100,000,000"),
        (["--users", 10**9], "the number of users is 1000000000; expected from 1"),
        (["--output", "results.txt"], "results.txt: cannot write '.txt' files; expected one of .csv, .md, .json"),
        (["--truth", "nowhere"], "nowhere: no such folder"),
        (["--threads", 0], "--threads is 0"),
        (["--threads", 10**17], "--threads is 100000000000000000; expected from 1 to 1,024"),
    ],
)
def test_bad_options_are_refused(darlr: Command, run: Path, planted: Path, options: list[object], message: str) -> None:
    ended = darlr("evaluate", run, "--data-dir", planted, *options)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert list(Path().iterdir()) == []


def test_a_truth_with_strangers_is_refused(darlr: Command, run: Path, planted: Path) -> None:
    other = shutil.copytree(planted / "planted", Path("other"))
    (other / "truth.csv").write_text("user_id,item_id,reward\nu0,i0,1\nu99,i0,2\n")
    ended = darlr("evaluate", run, "--data-dir", planted, "--truth", other)
    assert (ended.code, ended.out) == (2, "")
    assert "u99" in ended.err


def test_data_that_changed_or_went_are_named(darlr: Command, run: Path, planted: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(planted, tmp_path / "changed")
    items = changed / "planted" / "items.csv"
    items.write_text(items.read_text().replace("i0,a", "i0,b"))
    ended = darlr("evaluate", run, "--data-dir", changed)
    assert (ended.code, ended.out) == (2, "")
    assert "'items.csv' has changed since this run; restore the file or train again" in ended.err
    ended = darlr("evaluate", run)
    assert "unknown data set 'planted'" in ended.err


@pytest.mark.parametrize("command", ["evaluate", "recommend"])
def test_what_is_no_finished_run_is_refused(darlr: Command, run: Path, command: str) -> None:
    Path("file").write_text("")
    Path("folder").mkdir()
    damaged = shutil.copytree(run, Path("damaged"))
    policy = damaged / "policy.safetensors"
    policy.write_bytes(policy.read_bytes()[:-1])
    early = shutil.copytree(run, Path("early"))
    (early / "policy.safetensors").unlink()
    for name, message in (
        ("nowhere", "nowhere: no such run folder"),
        ("file", "file: is neither a run folder nor a pointer to one"),
        ("folder", "folder: not a darlr run (config.yaml and environment.json missing)"),
        ("damaged", "policy.safetensors: cannot be used, it is cut short or no safetensors file"),
        ("early", "early: this run has no policy yet; train at least one epoch"),
    ):
        ended = darlr(command, name)
        assert (ended.code, ended.out) == (2, "")
        assert message in ended.err
        assert ended.err.count("\n") == 1


def test_a_policy_of_another_config_is_refused(darlr: Command, run: Path, planted: Path, tmp_path: Path) -> None:
    other = train_small(tmp_path / "other", {"dataset": "planted", "a2c": {"discount": 0.5}}, planted).path
    shutil.copy(run / "policy.safetensors", other)
    ended = darlr("evaluate", other, "--data-dir", planted)
    assert (ended.code, ended.out) == (2, "")
    assert "policy.safetensors: made by a run of another config" in ended.err


def test_a_log_judges_where_there_is_no_truth_and_takes_no_modes(darlr: Command, tmp_path: Path) -> None:
    write_planted_world(tmp_path / "data" / "own", truth=False)
    run = train_small(tmp_path / "runs", {"dataset": "own", "method": "ucb"}, tmp_path / "data").path
    ended = darlr("evaluate", run, "--data-dir", tmp_path / "data", "--output", "judged.json")
    assert ended.code == 0
    assert "cannot be told from this log" in ended.out
    found = json.loads(Path("judged.json").read_text())
    assert {"logged", "estimates", "support", "against_popular", "held_out", "notes", "sessions"} == found.keys()
    refused = darlr("evaluate", run, "--data-dir", tmp_path / "data", "--mode", "fb")
    assert (refused.code, refused.err) == (
        2,
        "darlr: --mode is given, but a log judges the policy; expected a truth with it, or none of it\n",
    )
