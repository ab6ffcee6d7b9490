"""The service: the same answers as in Python, its refusals, and the change to another run."""

import csv
import io
import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from fakeredis import FakeAsyncRedis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darlr import Recommender, Request
from darlr.cli.main import main
from darlr.serving.answers import plain_answer
from darlr.serving.http.bodies import EXAMPLES
from darlr.serving.http.serving_run import run_named_by
from darlr.serving.schema import REQUEST
from tests.serving.http.conftest import Logged, Start, run_async
from tests.serving.shop import ITEMS, train_shop

ADMIN, SHOP = "a" * 16, "s" * 16
ASKED = [
    {"user": "u3"},
    {"user": "u4", "items": ["i1", "i2"], "rewards": [5, 1], "exclude": ["i7"]},
    {"user": "nobody", "candidates": ["i1", "i2", "i3"], "exclude_seen": False},
    {"features": {"city": "west", "age": 30}, "history": "none"},
    {},
]
CSV = (
    "user_id,item_id,reward,role\nu3,,,\nu4,i1,5,\nu4,i2,1,recent\nu4,i7,,exclude\nnobody,i1,,candidate\nnobody,i2,,candidate\n"
)


def closely(value: Any) -> Any:
    """Compare plain values whose numbers may differ in the last bits, because single requests and batches are computed
    separately.
    """
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-4, abs=1e-6)
    if isinstance(value, dict):
        return {key: closely(part) for key, part in value.items()}
    return [closely(part) for part in value] if isinstance(value, list) else value


def test_python_json_csv_and_http_give_the_same_answers(
    start: Start, recommends: Recommender, shop_run: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    requests = [Request(**entry) for entry in ASKED]  # type: ignore[arg-type]
    expected = [json.loads(json.dumps(plain_answer(answer))) for answer in recommends.recommend(requests, 6, explain=True)]
    body = start().post("/recommend", json={"requests": ASKED, "count": 6, "explain": True}).json()
    assert body == {"run": shop_run.name, "answers": closely(expected)}
    for name, text in (("a.json", json.dumps(ASKED)), ("a.csv", CSV)):
        file = tmp_path / name
        file.write_text(text)
        command = ["recommend", str(shop_run), "--input", str(file), "--count", "6", "--format", "json", "--explain"]
        monkeypatch.setattr("sys.argv", ["darlr", *command])
        main()
        printed = json.loads(capsys.readouterr().out)
        if name == "a.json":
            assert printed == closely(expected)
        else:
            assert printed[:2] == closely(expected[:2])
            assert sorted(printed[2]["items"]) == ["i1", "i2"]


def test_feedback_moves_the_next_list_as_recent_items_would(start: Start, recommends: Recommender) -> None:
    client = start()
    told = client.post("/feedback", json={"session": "s", "items": ["i1", "i2"], "rewards": [5, 1]})
    assert told.json() == {"session": "s", "answers": 2}
    assert client.post("/feedback", json={"session": "s", "items": ["i5"], "rewards": [4]}).json()["answers"] == 3
    requests = [{"user": "u4", "session": "s"}, {"user": "u4", "session": "other"}]
    moved, still = client.post("/recommend", json={"requests": requests, "count": ITEMS}).json()["answers"]
    [expected, plain] = recommends.recommend([Request("u4", ("i1", "i2", "i5"), (5, 1, 4)), Request("u4")], ITEMS)
    assert moved == closely(json.loads(json.dumps(plain_answer(expected))))
    assert still == closely(json.loads(json.dumps(plain_answer(plain))))


def test_workers_share_sessions_in_a_redis(start: Start) -> None:
    one, other = (start(redis=FakeAsyncRedis(host="shared"), sessions="redis://shared") for _ in range(2))
    one.post("/feedback", json={"session": "s", "items": ["i1"], "rewards": [5]})
    assert other.post("/feedback", json={"session": "s", "items": ["i2"], "rewards": [5]}).json()["answers"] == 2


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("/recommend", b"", 400, "the body: not valid JSON"),
        ("/recommend", b"{", 400, "the body: not valid JSON"),
        ("/recommend", b"\xff", 422, "the body is not UTF-8 text"),
        ("/recommend", b'{"count": 1, "count": 2}', 400, "key 'count' is given twice"),
        ("/recommend", b"[]", 422, "the body is []; expected an object"),
        ("/recommend", b"{}", 422, '"requests" is missing; expected a list of at least one request'),
        ("/recommend", b'{"requests": []}', 422, '"requests" is []; expected a list of at least one request'),
        ("/recommend", b'{"requests": [{"usr": 1}]}', 422, "request 1: unknown key 'usr'"),
        ("/recommend", b'{"requests": [{"user": true}]}', 422, 'request 1: "user" is True; expected an id or null'),
        ("/recommend", b'{"requests": [{}], "count": 0}', 422, '"count" is 0; expected a whole number of at least 1'),
        ("/recommend", b'{"requests": [{}], "count": 99}', 422, '"count" is 99; expected at most 50'),
        ("/recommend", b'{"requests": [{},{},{},{}]}', 422, "the body has 4 requests; expected at most 3"),
        ("/recommend", b'{"requests": [{"items": ["i1"]}]}', 422, "1 recent items and 0 rewards"),
        ("/recommend", b'{"requests": [{"user": "x"}], "on_unknown": "error"}', 422, "unknown user 'x'"),
        ("/recommend", b'{"requests": [{"session": ""}]}', 422, "\"session\" is ''; expected a text of 1 to 128 characters"),
        (
            "/recommend",
            b'{"requests": [{"session": "s", "items": ["i1"], "rewards": [1]}]}',
            422,
            'has "session" and recent "items"',
        ),
        ("/feedback", b'{"session": "s"}', 422, '"items" is missing'),
        ("/feedback", b'{"session": "s", "items": ["i99"], "rewards": [1]}', 422, "unknown item 'i99'"),
        ("/feedback", b'{"session": "s", "items": ["i1"], "rewards": [9]}', 422, "a recent reward is 9; expected 1 to 5"),
        (
            "/feedback",
            b'{"session": "s", "items": [], "rewards": []}',
            422,
            '"items" is []; expected a list of item ids, at least one',
        ),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_line(start: Start, path: str, body: bytes, status: int, told: str) -> None:
    answer = start(most_requests=3, most_count=50).post(path, content=body)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert told in answer.json()["error"]


def test_keys_are_asked_for_where_users_are_told_of(start: Start, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"shop {SHOP}\nadmin {ADMIN}\n")
    client = start(keys=str(tmp_path / "keys"))
    body = {"requests": [{"user": "u3"}]}
    for path in ("/recommend", "/feedback", "/admin/reload"):
        assert client.post(path, json=body).status_code == 401
    assert client.get("/metrics").status_code == 401
    assert [client.get(path).status_code for path in ("/", "/health", "/ready", "/openapi.json")] == [200] * 4
    assert "u3" not in client.get("/").text
    shop, admin = ({"Authorization": f"Bearer {key}"} for key in (SHOP, ADMIN))
    assert client.post("/recommend", json=body, headers=shop).status_code == 200
    assert client.post("/admin/reload", headers=shop).status_code == 403
    assert client.post("/admin/reload", headers=admin).status_code == 200


def test_bodies_are_bounded_whether_they_say_their_size_or_not(start: Start) -> None:
    client = start(most_bytes=1000)
    large = b" " * 1001
    for content in (large, iter([large[:500], large[500:]])):
        answer = client.post("/recommend", content=content)
        assert (answer.status_code, answer.json()) == (413, {"error": "the body is too large; expected at most 1,000 bytes"})


def test_sessions_may_be_kept_from_a_service(start: Start) -> None:
    answer = start(sessions="none").post("/feedback", json={"session": "s", "items": ["i1"], "rewards": [1]})
    assert (answer.status_code, "keeps no sessions" in answer.json()["error"]) == (404, True)


def test_logs_and_metrics_tell_of_no_person(start: Start, logged: Logged) -> None:
    client = start()
    client.post("/recommend", json={"requests": [{"user": "u3", "session": "secret"}]})
    client.post("/feedback", json={"session": "secret", "items": ["i1"], "rewards": [5]})
    client.get("/u3/secret?user=u3")
    metrics = client.get("/metrics").text
    assert 'darlr_http_requests_total{path="/recommend",status="200"} 1.0' in metrics
    assert "darlr_lists_total 1.0" in metrics
    assert "darlr_feedback_total 1.0" in metrics
    assert "darlr_sessions 1.0" in metrics
    [first, *_, last] = logged.entries("request")
    assert (first["path"], first["status"], first["method"]) == ("/recommend", 200, "POST")
    assert last["path"] == "/metrics"
    for text in (metrics, logged.getvalue()):
        assert not re.search(r"secret|\bu3\b|\bi1\b|testclient", text)


def test_a_pointer_changes_the_run_and_one_that_cannot_be_served_changes_nothing(
    start: Start, shop: Path, shop_run: Path, tmp_path: Path, logged: Logged
) -> None:
    (tmp_path / "keys").write_text(f"admin {ADMIN}\n")
    other, pointer = train_shop(shop, seed=1), tmp_path / "serving"
    pointer.write_text(f"{shop_run}\n")
    admin = {"Authorization": f"Bearer {ADMIN}"}
    client = start(run=str(pointer), keys=str(tmp_path / "keys"), watch=0.01)

    def becomes(name: str) -> None:
        deadline = time.monotonic() + 60
        while client.get("/ready").json()["run"] != name:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    assert client.get("/ready").json() == {"status": "ready", "run": shop_run.name}
    pointer.write_text(str(other))
    becomes(other.name)
    damaged = shutil.copytree(shop_run, tmp_path / "damaged")
    (damaged / "policy.safetensors").write_bytes(b"x")
    pointer.write_text("damaged")
    answer = client.post("/admin/reload", headers=admin)
    assert (answer.status_code, "policy.safetensors: cannot be used" in answer.json()["error"]) == (422, True)
    assert client.post("/recommend", json={"requests": [{}]}, headers=admin).json()["run"] == other.name
    pointer.unlink()
    pointer.symlink_to(shop_run)
    becomes(shop_run.name)
    assert {entry["run"] for entry in logged.entries("reloaded")} == {other.name, shop_run.name}
    assert logged.entries("reload refused")


def test_a_failure_that_nobody_foresaw_does_not_end_the_watch(
    start: Start, shop_run: Path, tmp_path: Path, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    pointer, load, failures = tmp_path / "serving", Recommender.load, iter([RuntimeError()])
    pointer.write_text(str(shop_run))
    client = start(run=str(pointer), watch=0.01)

    def loaded(path: Path, **options: Any) -> Recommender:
        if failure := next(failures, None):
            raise failure
        return load(path, **options)

    def point(name: str) -> None:
        shutil.copytree(shop_run, tmp_path / name)
        (tmp_path / "next").write_text(name)
        (tmp_path / "next").replace(pointer)

    monkeypatch.setattr(Recommender, "load", loaded)
    deadline = time.monotonic() + 60
    point("first")
    while not logged.entries("looking for a newer run failed"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert client.get("/ready").json()["run"] == shop_run.name
    point("second")
    while client.get("/ready").json()["run"] != "second":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_client_that_leaves_is_counted_and_is_no_failure(start: Start, logged: Logged) -> None:
    client = start()
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        """Nobody is there."""

    async def leave() -> None:
        scope = {"type": "http", "method": "POST", "path": "/recommend", "headers": [], "query_string": b""}
        await client.app(scope, receive, send)

    run_async(leave())
    assert logged.entries("request")[-1]["status"] == 499
    assert not logged.entries("failed")


def test_what_names_no_run_is_refused(tmp_path: Path) -> None:
    from darlr.errors import InputError

    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    for place in (tmp_path, tmp_path / "nowhere", tmp_path / "itself"):
        with pytest.raises(InputError, match=r"not a darlr run|no such run folder"):
            run_named_by(place)


def test_the_page_loads_nothing_and_shows_ids_as_text(start: Start) -> None:
    answer = start().get("/")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"(src|href)=|https?://|innerHTML", answer.text)
    told = re.search(r'<script type="application/json" id="data">(.*?)</script>', answer.text, re.DOTALL)
    assert told is not None
    assert json.loads(told[1])["range"] == [1.0, 5.0]


def test_the_schema_has_every_key_and_examples_that_work(start: Start) -> None:
    client = start()
    schema = client.get("/openapi.json").json()
    for path in ("recommend", "feedback"):
        content = schema["paths"][f"/{path}"]["post"]["requestBody"]["content"]["application/json"]
        assert content["example"] == EXAMPLES[path]
    keys = schema["paths"]["/recommend"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert keys["requests"]["items"]["properties"].keys() == {*REQUEST, "session"}
    assert client.post("/recommend", json=EXAMPLES["recommend"]).status_code == 200


NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3),
    max_leaves=5,
)
IDS = st.sampled_from(["u3", "i1", "i2", "i23", "x", 3, 1.5])
SENSIBLE = {
    "user": st.none() | IDS,
    "items": st.lists(IDS, max_size=3),
    "rewards": st.lists(st.sampled_from([1, 2.5, 5]), max_size=3),
    "candidates": st.none() | st.lists(IDS, max_size=4),
    "exclude": st.lists(IDS, max_size=3),
    "exclude_seen": st.booleans(),
    "history": st.sampled_from(["log", "none"]),
    "features": st.none() | st.fixed_dictionaries({}, optional={"city": st.sampled_from(["east", "x", 3]), "age": ANYTHING}),
    "session": st.text(min_size=1, max_size=5),
}
REQUESTS = st.fixed_dictionaries({}, optional={name: values | ANYTHING for name, values in SENSIBLE.items()})
OPTIONAL = {
    "count": st.integers(0, 30) | ANYTHING,
    "diversify": st.booleans(),
    "explain": st.booleans(),
    "on_unknown": ANYTHING,
}
BODIES = st.fixed_dictionaries({"requests": st.lists(REQUESTS | ANYTHING, max_size=3)}, optional=OPTIONAL) | ANYTHING


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_is_sent_is_answered_by_the_schema_or_refused_in_one_line(start: Start, data: st.DataObject) -> None:
    client = getattr(start, "client", None) or start()
    start.client = client  # type: ignore[attr-defined]
    body: Any = data.draw(BODIES)
    answer = client.post("/recommend", content=json.dumps(body))
    assert answer.status_code in (200, 400, 422)
    value = answer.json()
    if answer.status_code != 200:
        assert len(value["error"].splitlines()) == 1
        return
    assert len(value["answers"]) == len(body["requests"])
    for given_answer in value["answers"]:
        listed = given_answer["items"]
        assert len(listed) == len(given_answer["scores"]) == len(given_answer["expected_rewards"]) <= body.get("count", 10)
        assert len(set(listed)) == len(listed)
        assert all(1 <= reward <= 5 for reward in given_answer["expected_rewards"])


def test_csv_of_answers_has_both_scores(recommends: Recommender) -> None:
    from darlr.serving.answers import format_answers

    [row, *_] = csv.DictReader(io.StringIO(format_answers(recommends.recommend([Request("u3")], 1), "csv")))
    assert row.keys() == {"user_id", "rank", "item_id", "score", "expected_reward"}
    assert 1 <= float(row["expected_reward"]) <= 5
