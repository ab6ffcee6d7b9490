"""Sessions: the same in memory and in a Redis, bounded, and forgotten."""

from collections.abc import Callable
from typing import Any

import pytest
from fakeredis import FakeAsyncRedis, FakeServer

from darlr.serving.http.refusals import RefusedError
from darlr.serving.http.sessions import MOST_ANSWERS, MemorySessions, RedisSessions, Sessions
from tests.serving.http.conftest import run_async


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


KINDS: dict[str, Callable[[], Sessions]] = {
    "memory": lambda: MemorySessions(10, 60),
    "redis": lambda: RedisSessions(FakeAsyncRedis(), 60),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_keeps_what_was_given_in_order(kind: str) -> None:
    async def use() -> None:
        sessions = KINDS[kind]()
        assert list(await sessions.answers("a")) == []
        assert await sessions.add("a", [("i1", 5.0), (7, 1.5)]) == 2
        assert await sessions.add("b", [("é\n", 2.0)]) == 1
        assert await sessions.add("a", [("i1", 3.0)]) == 3
        assert list(await sessions.answers("a")) == [("i1", 5.0), (7, 1.5), ("i1", 3.0)]
        assert list(await sessions.answers("b")) == [("é\n", 2.0)]
        assert await sessions.add("a", [(number, 1.0) for number in range(MOST_ANSWERS - 1)]) == MOST_ANSWERS
        assert (await sessions.answers("a"))[0] == ("i1", 3.0)
        await sessions.close()

    run_async(use())


def test_memory_is_bounded_and_the_least_lately_used_go_first() -> None:
    async def use() -> None:
        sessions = MemorySessions(2, 60)
        for name in "abc":
            await sessions.add(name, [(1, 1.0)])
        assert [len(await sessions.answers(name)) for name in "abc"] == [0, 1, 1]
        await sessions.answers("b")
        await sessions.add("d", [(1, 1.0)])
        assert [len(await sessions.answers(name)) for name in "bcd"] == [1, 0, 1]
        assert len(sessions) == 2

    run_async(use())


def test_memory_forgets_what_nobody_asks_for() -> None:
    async def use() -> None:
        clock = Clock()
        sessions = MemorySessions(10, 60, clock)
        await sessions.add("a", [(1, 1.0)])
        await sessions.add("b", [(1, 1.0)])
        clock.now = 50
        assert len(await sessions.answers("a")) == 1
        clock.now = 60
        assert len(await sessions.answers("b")) == 0
        assert len(sessions) == 1
        clock.now = 110
        assert len(await sessions.answers("a")) == 0
        assert len(sessions) == 0

    run_async(use())


def test_redis_forgets_after_the_last_use_and_tells_when_it_is_away() -> None:
    async def use() -> None:
        server = FakeServer()
        redis: Any = FakeAsyncRedis(server=server)
        sessions = RedisSessions(redis, 60)
        await sessions.add("a", [(1, 1.0)])
        assert await redis.ttl("darlr:session:a") == 60
        await redis.expire("darlr:session:a", 5)
        await sessions.answers("a")
        assert await redis.ttl("darlr:session:a") == 60
        server.connected = False
        for work in (sessions.answers("a"), sessions.add("a", [(1, 1.0)])):
            with pytest.raises(RefusedError, match="the sessions' Redis does not answer") as refused:
                await work
            assert refused.value.status == 503

    run_async(use())
