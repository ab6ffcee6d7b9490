"""Sessions in a real Redis: workers share them, they expire, and a missing Redis is reported until it comes back."""

import time
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from tests.serving.http.conftest import RedisServer, Start
from tests.serving.shop import ITEMS

GIVEN = {"session": "s", "items": ["i1"], "rewards": [5]}
WITHIN = {"requests": [{"user": "u4", "session": "s"}], "count": ITEMS}
PLAIN = {"requests": [{"user": "u4"}]}


def tells_that_redis_is_away(client: TestClient) -> None:
    """Check the service's errors, and its remaining functions, while its Redis does not answer."""
    for answer in (client.post("/feedback", json=GIVEN), client.post("/recommend", json=WITHIN), client.get("/ready")):
        assert answer.status_code == 503
        assert "the sessions' Redis does not answer" in answer.json()["error"]
    assert client.get("/health").status_code == 200
    assert client.post("/recommend", json=PLAIN).status_code == 200


def test_a_session_goes_on_with_another_worker_and_after_a_restart(start: Start, redis_server: RedisServer) -> None:
    one, other = (start(sessions=redis_server.address) for _ in range(2))
    assert one.post("/feedback", json=GIVEN).json()["answers"] == 1
    assert other.post("/feedback", json={**GIVEN, "items": ["i2"]}).json()["answers"] == 2
    lists = [client.post("/recommend", json=WITHIN).json() for client in (one, other, start(sessions=redis_server.address))]
    assert lists[0] == lists[1] == lists[2]
    assert not {"i1", "i2"} & set(lists[0]["answers"][0]["items"])


def test_a_session_ends_after_its_last_use(start: Start, redis_server: RedisServer) -> None:
    client = start(sessions=redis_server.address, session_seconds=2)
    client.post("/feedback", json=GIVEN)
    until_none = time.monotonic() + 60
    while redis_server.client.dbsize():
        assert time.monotonic() < until_none
        time.sleep(0.1)
    assert client.post("/feedback", json=GIVEN).json()["answers"] == 1
    assert 0 < redis_server.client.ttl("darlr:session:s") <= 2


@pytest.mark.parametrize(
    ("away", "back"), [(RedisServer.kill, RedisServer.start), (RedisServer.hang, RedisServer.go_on)], ids=["killed", "hung"]
)
def test_a_redis_that_is_away_is_told_of_and_used_again_when_it_is_back(
    start: Start, redis_server: RedisServer, away: Callable[[RedisServer], None], back: Callable[[RedisServer], None]
) -> None:
    client = start(sessions=redis_server.address, timeout=1.5)
    assert client.post("/feedback", json=GIVEN).status_code == 200
    assert client.get("/ready").status_code == 200
    away(redis_server)
    tells_that_redis_is_away(client)
    back(redis_server)
    assert client.get("/ready").status_code == 200
    redis_server.client.flushdb()
    assert client.post("/feedback", json=GIVEN).json()["answers"] == 1
    assert client.post("/recommend", json=WITHIN).status_code == 200


def test_a_redis_without_room_refuses_rewards_alone(start: Start, redis_server: RedisServer) -> None:
    client = start(sessions=redis_server.address)
    client.post("/feedback", json=GIVEN)
    redis_server.client.config_set("maxmemory", 1)
    answer = client.post("/feedback", json=GIVEN)
    assert (answer.status_code, "Redis" in answer.json()["error"]) == (503, True)
    assert client.post("/recommend", json=WITHIN).status_code == 200
    redis_server.client.config_set("maxmemory", 0)
    assert client.post("/feedback", json=GIVEN).json()["answers"] == 2
