"""New items over HTTP, in files of requests and in a table for the service: the same answers as in Python."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from darlr import NewItem, Recommender, Request
from darlr.cli.main import main
from darlr.serving.answers import plain_answer
from tests.serving.http.conftest import Logged, Start
from tests.serving.http.test_app import closely

TOLD = {"item": "n0", "categories": ["c0"], "features": {"colour": "red"}}
NEW = NewItem("n0", ["c0"], {"colour": "red"})


def as_json(recommends: Recommender, request: Request, count: int) -> Any:
    [answer] = recommends.recommend([request], count)
    return closely(json.loads(json.dumps(plain_answer(answer))))


def test_requests_with_new_items_are_answered_alike_in_python_json_and_over_http(
    start: Start, recommends: Recommender, shop_run: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    expected = as_json(recommends, Request("u4", candidates=["n0", "i1"], new_items=[NEW]), 2)
    assert expected["items"] == ["n0", "i1"]
    asked = [{"user": "u4", "candidates": ["n0", "i1"], "new_items": [TOLD]}]
    client = start()
    assert client.post("/recommend", json={"requests": asked, "count": 2}).json()["answers"] == [expected]
    (tmp_path / "a.json").write_text(json.dumps(asked))
    command = ["recommend", str(shop_run), "--input", str(tmp_path / "a.json"), "--count", "2", "--format", "json"]
    monkeypatch.setattr("sys.argv", ["darlr", *command])
    main()
    assert json.loads(capsys.readouterr().out) == [expected]


def test_what_a_user_gave_a_new_item_in_a_session_moves_the_next_list(start: Start, recommends: Recommender) -> None:
    client = start()
    given = {"session": "s", "items": ["n0"], "rewards": [1]}
    assert client.post("/feedback", json=given).status_code == 422
    assert client.post("/feedback", json={**given, "new_items": [TOLD]}).json() == {"session": "s", "answers": 1}
    request = {"user": "u4", "session": "s", "new_items": [TOLD]}
    body = client.post("/recommend", json={"requests": [request], "count": 5}).json()
    assert body["answers"] == [as_json(recommends, Request("u4", ("n0",), (1,), new_items=[NEW]), 5)]


@pytest.mark.parametrize(
    ("new_items", "told"),
    [
        ({}, '"new_items" is {}; expected a list of new items'),
        ([{"categories": []}], 'request 1, new item 1: "item" is missing; expected an id'),
        (
            [TOLD, {"item": "n1", "categories": "c0"}],
            "request 1, new item 2: \"categories\" is 'c0'; expected a list of names or null",
        ),
        ([{"item": "n1", "weight": 3}], "request 1, new item 1: unknown key 'weight'"),
    ],
)
def test_what_describes_no_new_item_is_refused_by_its_place(start: Start, new_items: Any, told: str) -> None:
    answer = start().post("/recommend", json={"requests": [{"new_items": new_items}]})
    assert answer.status_code == 422
    assert told in answer.json()["error"]


def test_a_service_with_a_table_of_items_takes_up_what_is_added_to_it(start: Start, logged: Logged, tmp_path: Path) -> None:
    table = tmp_path / "items.csv"
    table.write_text("item_id,categories,colour\nn0,c0,red\n")
    client = start(new_items=str(table), watch=0.01)
    asked = {"requests": [{"user": "u4", "candidates": ["n0", "n1"]}]}

    def listed() -> list[str]:
        return sorted(client.post("/recommend", json=asked).json()["answers"][0]["items"])

    assert listed() == ["n0"]
    assert client.post("/feedback", json={"session": "s", "items": ["n0"], "rewards": [5]}).status_code == 200
    table.write_text("item_id,categories,colour\nn0,c0,red\nn1,c1,blue\n")
    deadline = time.monotonic() + 60
    while listed() != ["n0", "n1"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    table.write_text("no table of items\n")
    while not logged.entries("reload refused"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert listed() == ["n0", "n1"]


def test_the_command_line_and_csv_know_the_items_of_a_table(
    recommends: Recommender, shop_run: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    table, asked = tmp_path / "items.csv", tmp_path / "asked.csv"
    table.write_text("item_id,categories,colour\nn0,c0,red\n")
    asked.write_text("user_id,item_id,reward,role\nu4,n0,,candidate\nu4,i1,,candidate\n")
    command = ["recommend", str(shop_run), "--new-items", str(table), "--input", str(asked), "--count", "2", "--format", "json"]
    monkeypatch.setattr("sys.argv", ["darlr", *command])
    main()
    [answer] = json.loads(capsys.readouterr().out)
    assert answer == as_json(recommends, Request("u4", candidates=["n0", "i1"], new_items=[NEW]), 2)
