"""`darlr recommend`: requests in, ranked items out, the same as from `Recommender`."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from darlr import Recommender, Request
from darlr.serving.answers import plain_answer
from tests.cli.conftest import Command
from tests.runs import train_small

RECENT = "user_id,item_id,reward\nu3,i1,5\nnewcomer,i2,1\nnewcomer,i4,2\nu3,i5,4\nu5,,\n"
SAME = [
    {"user": "u3", "items": ["i1", "i5"], "rewards": [5, 4]},
    {"user": "newcomer", "items": ["i2", "i4"], "rewards": [1, 2]},
    {"user": "u5"},
]
REQUESTS = [Request("u3", ("i1", "i5"), (5, 4)), Request("newcomer", ("i2", "i4"), (1, 2)), Request("u5")]


def answers(text: str) -> list[dict[str, Any]]:
    values: list[dict[str, Any]] = json.loads(text)
    return values


def test_all_users_of_the_log_by_default(darlr: Command, run: Path) -> None:
    ended = darlr("recommend", run, "--count", 3)
    assert (ended.code, ended.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert [(row["user_id"], row["rank"]) for row in rows] == [(f"u{u}", str(rank)) for u in order(run) for rank in (1, 2, 3)]


def order(run: Path) -> list[int]:
    return [int(user[1:]) for user in Recommender.load(run).user_ids]


@pytest.mark.parametrize("users", [["--users", "u7", "u3"], ["--users", "u7", "--users", "u3"]])
def test_named_users_as_in_python(darlr: Command, run: Path, users: list[str]) -> None:
    ended = darlr("recommend", run, *users, "--count", 4, "--format", "json")
    expected = Recommender.load(run).recommend([Request("u7"), Request("u3")], 4)
    assert answers(ended.out) == list(map(plain_answer, expected))
    assert [answer.user for answer in expected] == ["u7", "u3"]


@pytest.mark.parametrize(("name", "text"), [("recent.csv", RECENT), ("recent.json", json.dumps(SAME))])
def test_recent_items_from_a_file_as_in_python(darlr: Command, run: Path, name: str, text: str) -> None:
    Path(name).write_text(text)
    ended = darlr("recommend", run, "--input", name, "--count", 5, "--format", "json")
    assert ended.code == 0
    assert ended.err == "note: request 2, user 'newcomer': unknown user 'newcomer', no id of the log; served as a new user\n"
    expected = Recommender.load(run).recommend(REQUESTS, 5)
    assert [entry["user"] for entry in answers(ended.out)] == ["u3", "newcomer", "u5"]
    assert [entry["items"] for entry in answers(ended.out)] == [[entry.item for entry in answer] for answer in expected]


def test_recent_items_outside_the_test_world_are_left_out_with_a_notice(darlr: Command, planted: Path, tmp_path: Path) -> None:
    data = shutil.copytree(planted, tmp_path / "narrow")
    truth = data / "planted" / "truth.csv"
    truth.write_text("".join(line for line in truth.open() if ",i39," not in line and ",i38," not in line))
    run = train_small(tmp_path / "runs", {"dataset": "planted", "training": {"epochs": 1}}, data).path
    Path("recent.csv").write_text("user_id,item_id,reward\nu3,i1,5\nu3,i39,4\nnew,i38,1\nnew,i39,1\n")
    ended = darlr("recommend", run, "--input", "recent.csv", "--format", "json")
    assert ended.code == 0
    assert ended.err.splitlines() == [
        "note: request 1, user 'u3': recent item 'i39' cannot be recommended by this policy; left out of the history",
        "note: request 2, user 'new': unknown user 'new', no id of the log; served as a new user",
        "note: request 2, user 'new': recent item 'i38' cannot be recommended by this policy; left out of the history",
        "note: request 2, user 'new': recent item 'i39' cannot be recommended by this policy; left out of the history",
    ]
    without = Recommender.load(run).recommend([Request("u3", ("i1",), (5,)), Request()])
    assert [entry["items"] for entry in answers(ended.out)] == [[entry.item for entry in answer] for answer in without]
    Path("recent.csv").write_text("user_id,item_id,reward\nu3,i39,4\nu3,i40,4\n")
    ended = darlr("recommend", run, "--input", "recent.csv", "--on-unknown", "error")
    assert (ended.code, ended.out) == (2, "")
    assert "request 1, user 'u3': unknown item 'i40' among the recent items" in ended.err


def test_a_file_holds_what_is_printed(darlr: Command, run: Path) -> None:
    printed = darlr("recommend", run, "--users", "u1")
    written = darlr("recommend", run, "--users", "u1", "--output", "answers.csv")
    assert (written.code, written.out) == (0, "")
    assert Path("answers.csv").read_text() == printed.out
    assert printed.out.splitlines()[0] == "user_id,rank,item_id,score,expected_reward"


def test_integer_ids_stay_integers(darlr: Command, tmp_path: Path) -> None:
    run = train_small(tmp_path / "runs", {"training": {"epochs": 1}}).path
    Path("recent.csv").write_text("user_id,item_id,reward\n3,7,1\n900,8,0.5\nguest,8,0.5\n")
    ended = darlr("recommend", run, "--input", "recent.csv", "--format", "json", "--count", 2)
    assert [entry["user"] for entry in answers(ended.out)] == [3, 900, "guest"]
    assert all(isinstance(item, int) for entry in answers(ended.out) for item in entry["items"])
    assert answers(ended.out)[1]["items"] == answers(ended.out)[2]["items"]
    ended = darlr("recommend", run, "--users", "three")
    assert (ended.code, ended.out) == (2, "")
    assert "unknown user 'three', no id of the log" in ended.err


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "user_id,item_id\n", "a.csv: column 'reward' is missing; expected user_id, item_id, reward"),
        ("a.csv", "user_id,item_id,reward\nu1,i1,much\n", "a.csv: line 2, column 'reward' is 'much'; expected a number"),
        ("a.csv", "user_id,item_id,reward\nu1,i1\n", "a.csv: line 2 has 2 cells; expected 3 like its header"),
        ("a.csv", "user_id,item_id,reward\nu1,i1,2,5\n", "a.csv: line 2 has 4 cells; expected 3 like its header"),
        ("a.csv", "user_id,item_id,reward,reward\nu1,i1,2,5\n", "a.csv: column 'reward' stands twice"),
        ("a.csv", "user_id,item_id,reward,x,x\nu1,i1,2,5,5\n", "a.csv: column 'x' stands twice"),
        (
            "a.csv",
            "user_id,item_id,reward,rol\nu1,i1,2,\n",
            "a.csv: unknown column 'rol'; expected user_id, item_id, reward and",
        ),
        ("a.csv", "user_id,item_id,reward\nu1,i1,2\nu1,,3\n", "a.csv: line 3: a reward of '3' without an item"),
        ("a.csv", "user_id,item_id,reward\n u1,i1,2\n", "a.csv: line 2, column 'user_id' is ' u1'; expected no spaces"),
        ("a.csv", "user_id,item_id,reward\nu1,i1,\n", "a.csv: line 2, column 'reward' is ''; expected a number"),
        ("a.csv", "user_id,item_id,reward\nu1,i1,nan\n", "a.csv: line 2, column 'reward' is 'nan'; expected a number"),
        ("a.csv", "user_id,item_id,reward\nu1,i1,1_0\n", "a.csv: line 2, column 'reward' is '1_0'; expected a number"),
        ("a.csv", "user_id,item_id,reward\nu1,i1,٣\n", "a.csv: line 2, column 'reward' is '٣'; expected a number"),
        ("a.csv", "user_id,item_id,reward\nu1,i1,1e999\n", "a.csv: line 2, column 'reward' is '1e999'; expected a number"),
        ("a.csv", "user_id,item_id,reward\nu1,i1,9\n", "request 1, user 'u1': a recent reward is 9; expected 1 to 5"),
        ("a.json", '[{"user": "u1", "user": "u2"}]', "a.json: not valid JSON (key 'user' is given twice)"),
        ("a.json", '[{"user": "u1", "items": ["i1"], "rewards": [1e999]}]', "(1e999 is too large for a number)"),
        ("a.json", '[{"user": "\\ud800"}]', "a.json: not valid JSON (half a character, '\\ud800')"),
        ("a.json", f'[{{"user": {"9" * 5000}}}]', "a.json: not valid JSON"),
        ("a.json", "[" * 100_000, "a.json: not valid JSON"),
        ("a.json", '[{"user": ""}]', "request 1: \"user\" is ''; expected an id or null"),
        ("a.csv", "", "a.csv: column 'user_id' is missing"),
        (
            "a.csv",
            f'user_id,item_id,reward\nu1,i1,5\nu2,"i2,5\n{"u3,i3,5" * 20_000}',
            "a.csv: line 3: not valid CSV (field larger",
        ),
        ("a.csv", b"\xff", "a.csv: line 1 is not UTF-8 text"),
        ("a.json", "{", "a.json: not valid JSON"),
        ("a.json", '{"user": "u1"}', "a.json: expected a list of requests"),
        ("a.json", '[{"usr": "u1"}]', "a.json, request 1: unknown key 'usr'; expected an object with some of"),
        ("a.json", '[{"user": "u1", "items": "i1"}]', "request 1: \"items\" is 'i1'; expected a list of item ids"),
        ("a.json", '[{"user": "u1", "items": ["i1"], "rewards": ["1"]}]', "\"rewards\" is ['1']; expected a list of numbers"),
        ("a.json", '[{"user": "u1", "items": ["i1"]}]', "user 'u1': 1 recent items and 0 rewards"),
        ("a.json", '[{"user": true}]', 'request 1: "user" is True; expected an id or null'),
        ("a.json", '[{"user": ["u1"]}]', "request 1: \"user\" is ['u1']; expected an id or null"),
    ],
)
def test_bad_requests_are_named(darlr: Command, run: Path, name: str, text: str | bytes, message: str) -> None:
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    ended = darlr("recommend", run, "--input", name, "--output", "answers.csv")
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert ended.err.count("\n") == 1
    assert not Path("answers.csv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--users", "u99"], "unknown user 'u99', no id of the log"),
        (["--count", "0"], "count is 0; expected from 1 to 1,000,000"),
        (["--all"], "--all writes Parquet, and --output is not given; expected --output FILE.parquet"),
        (["--all", "--users", "u1"], "--all is for all users of the log; expected no --users and no --input"),
        (["--explain"], "--explain needs --format json"),
        (["--users", "u1", "--input", "a.csv"], "give users by --users or by --input, not both"),
        (["--input", "nowhere.csv"], "nowhere.csv: no such file"),
        (["--output", "file/answers.csv"], "file/answers.csv: cannot be written"),
        (["--output", "."], ".: cannot be written (Is a directory)"),
    ],
)
def test_bad_options_are_refused(darlr: Command, run: Path, options: list[str], message: str) -> None:
    Path("file").write_text("")
    ended = darlr("recommend", run, *options)
    assert ended.code == (3 if "--output" in options else 2)
    assert ended.out == ""
    assert message in ended.err
