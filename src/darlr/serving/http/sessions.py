"""The rewards of users within their sessions: in memory with a bound and an expiry, or in a Redis that several workers
share.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from darlr.data.ids import Id
from darlr.serving.http.refusals import RefusedError

MOST_ANSWERS = 1_000
"""The largest number of rewards kept for a session; older ones are dropped."""

Given = tuple[Id, float]
"""An item, and the user's reward for it in the units of the log."""


class Sessions(Protocol):
    """Sessions by the names that their clients chose."""

    async def answers(self, name: str) -> Sequence[Given]:
        """Return the rewards so far, oldest first; empty for a session that is unknown or expired."""
        ...

    async def add(self, name: str, given: Sequence[Given]) -> int:
        """Add rewards, and return the session's number of rewards."""
        ...

    async def check(self) -> None:
        """Raise `RefusedError` if the sessions cannot be reached."""
        ...

    async def close(self) -> None:
        """Release all resources."""
        ...

    def __len__(self) -> int:
        """Return the number of sessions if it is known; else 0."""
        ...


class MemorySessions:
    """At most `most` sessions, of which the least recently used are dropped first; each lives `seconds` after its last use."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._kept: OrderedDict[str, tuple[float, list[Given]]] = OrderedDict()  # in the order in which they expire

    async def answers(self, name: str) -> Sequence[Given]:
        self._forget()
        return self._used(name, []) if name in self._kept else []

    async def add(self, name: str, given: Sequence[Given]) -> int:
        self._forget()
        answers = self._used(name, given)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return len(answers)

    async def check(self) -> None:
        """Do nothing, because the sessions are in this process."""

    async def close(self) -> None:
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)

    def _used(self, name: str, given: Sequence[Given]) -> list[Given]:
        _, answers = self._kept.pop(name, (0.0, []))
        answers = [*answers, *given][-MOST_ANSWERS:]
        self._kept[name] = self._clock() + self._seconds, answers
        return answers

    def _forget(self) -> None:
        now = self._clock()
        while self._kept and next(iter(self._kept.values()))[0] <= now:
            self._kept.popitem(last=False)


class RedisSessions:
    """Sessions in a Redis, one list each, which expire `seconds` after their last use."""

    def __init__(self, redis: Redis, seconds: int) -> None:
        self._redis, self._seconds = redis, seconds

    @classmethod
    def at(cls, address: str, seconds: int, timeout: float) -> "RedisSessions":
        """Connect to the Redis at `address`, with `timeout` seconds for each step.

        Nothing is tried twice: a reward whose confirmation was lost may be stored already, and would count double.
        """
        retry = Retry(NoBackoff(), 0)
        return cls(Redis.from_url(address, socket_timeout=timeout, socket_connect_timeout=timeout, retry=retry), seconds)

    async def answers(self, name: str) -> Sequence[Given]:
        key = _key(name)
        try:
            async with self._redis.pipeline(transaction=False) as pipe:  # a Redis without room refuses transactions
                pipe.lrange(key, 0, -1)
                pipe.expire(key, self._seconds)
                kept, _ = await pipe.execute()
        except (RedisError, OSError) as error:
            raise _unreachable(error) from error
        return [(item, reward) for item, reward in map(json.loads, kept)]

    async def add(self, name: str, given: Sequence[Given]) -> int:
        key = _key(name)
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.rpush(key, *(json.dumps(one) for one in given))
                pipe.ltrim(key, -MOST_ANSWERS, -1)
                pipe.llen(key)
                pipe.expire(key, self._seconds)
                *_, left, _ = await pipe.execute()
        except (RedisError, OSError) as error:
            raise _unreachable(error) from error
        return int(left)

    async def check(self) -> None:
        try:
            await self._redis.ping()
        except (RedisError, OSError) as error:
            raise _unreachable(error) from error

    async def close(self) -> None:
        await self._redis.aclose()

    def __len__(self) -> int:
        return 0


def _key(name: str) -> str:
    return f"darlr:session:{name}"


def _unreachable(error: Exception) -> RefusedError:
    return RefusedError(503, f"the sessions' Redis does not answer ({type(error).__name__})")
