"""A real client sends many requests at a time: every answer is right, whatever happens to the service."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from benchmarks.serving import resident_mib, sessions_kept

from darlr import Recommender, Request
from darlr.serving.answers import plain_answer
from tests.serving.http.conftest import Begin, RedisServer
from tests.serving.shop import ITEMS, USERS, train_shop

pytestmark = pytest.mark.slow  # thousands of requests to processes of their own

SHOP, ADMIN = "s" * 16, "a" * 32
AT_ONCE = 32


def client_of(port: int, **options: Any) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE, keepalive_expiry=15)
    return httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=60, trust_env=False, **options)


async def all_of(tasks: Iterable[Awaitable[Any]]) -> list[Any]:
    """Return the results of the tasks, of which at most `AT_ONCE` run at a time."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(task: Awaitable[Any]) -> Any:
        async with free:
            return await task

    return list(await asyncio.gather(*map(one, tasks)))


def answers_of(run: Path) -> dict[str, Any]:
    """Return the run's answer for each user of the shop."""
    users = [f"u{user}" for user in range(USERS)]
    answers = Recommender.load(run).recommend([Request(user) for user in users], 5)
    return {user: json.loads(json.dumps(plain_answer(answer))) for user, answer in zip(users, answers, strict=True)}


def is_right(body: Any, expected: dict[str, dict[str, Any]]) -> bool:
    """Return whether an answer is that of the run that it names; single requests and batches differ in the last bits."""
    [given] = body["answers"]
    right = expected[body["run"]][given["user"]]
    return bool(given["items"] == right["items"] and given["scores"] == pytest.approx(right["scores"], rel=1e-4))


def test_every_answer_is_right_while_the_run_changes_and_wrong_keys_are_tried(
    begin: Begin, shop: Path, shop_run: Path, tmp_path: Path
) -> None:
    runs, pointer = [shop_run, train_shop(shop, seed=1)], tmp_path / "serving"
    expected = {run.name: answers_of(run) for run in runs}
    pointer.write_text(str(shop_run))
    (tmp_path / "keys").write_text(f"shop {SHOP}\nadmin {ADMIN}\n")
    port, _ = begin(pointer, "--watch", 0.1, "--keys", tmp_path / "keys")

    async def ask(client: httpx2.AsyncClient, number: int) -> tuple[int, Any]:
        key = f"wrong-key-{number:06}" if number % 10 == 9 else SHOP
        body = {"requests": [{"user": f"u{number % USERS}"}], "count": 5}
        answer = await client.post("/recommend", json=body, headers={"Authorization": f"Bearer {key}"})
        return answer.status_code, answer.json()

    async def change(client: httpx2.AsyncClient) -> list[int]:
        statuses = []
        for number in range(10):
            await asyncio.sleep(0.3)
            (tmp_path / "next").write_text(str(runs[(number + 1) % 2]))
            (tmp_path / "next").replace(pointer)
            answer = await client.post("/admin/reload", headers={"Authorization": f"Bearer {ADMIN}"})
            statuses.append(answer.status_code)
        return statuses

    async def work() -> tuple[list[Any], list[int]]:
        async with client_of(port) as client:
            asking = all_of(ask(client, number) for number in range(2_000))
            return await asyncio.gather(asking, change(client))

    answers, changes = asyncio.run(work())
    assert changes == [200] * 10
    assert [status for status, _ in answers] == [401 if number % 10 == 9 else 200 for number in range(2_000)]
    assert all(is_right(body, expected) for status, body in answers if status == 200)
    assert {body["run"] for status, body in answers if status == 200} == set(expected)
    log = (tmp_path / "log").read_text()
    assert not any(secret in log for secret in ("wrong-key", SHOP, ADMIN, "u3"))


def test_ten_thousand_sessions_are_kept_apart_and_more_push_out_the_first(begin: Begin, shop_run: Path) -> None:
    sessions, more = 10_000, 500
    port, process = begin(shop_run, "--most-sessions", sessions)

    def items_of(number: int) -> list[str]:
        return [f"i{number % ITEMS}", f"i{(number // ITEMS) % ITEMS}"]

    async def tell(client: httpx2.AsyncClient, number: int) -> Any:
        body = {"session": f"visit {number}", "items": items_of(number), "rewards": [5, 1]}
        return (await client.post("/feedback", json=body)).json()["answers"]

    async def ask(client: httpx2.AsyncClient, numbers: range) -> Any:
        requests = [{"session": f"visit {number}", "exclude_seen": False} for number in numbers]
        return (await client.post("/recommend", json={"requests": requests, "count": ITEMS})).json()["answers"]

    async def work() -> None:
        async with client_of(port) as client:
            assert await all_of(tell(client, number) for number in range(sessions)) == [2] * sessions
            before = resident_mib(process.pid)
            blocks = [range(first, first + 500) for first in range(0, sessions, 500)]
            for block, answers in zip(blocks, await all_of(ask(client, block) for block in blocks), strict=True):
                for number, answer in zip(block, answers, strict=True):
                    assert set(answer["items"]) == {f"i{item}" for item in range(ITEMS)} - set(items_of(number))
            for number in range(sessions, sessions + more):
                await tell(client, number)
            assert await tell(client, sessions + more - 1) == 4
            assert resident_mib(process.pid) < before + 100

    asyncio.run(work())
    assert sessions_kept(port) == sessions


def test_a_killed_worker_takes_no_session_with_it_and_no_answer_is_wrong(
    begin: Begin, shop_run: Path, redis_server: RedisServer
) -> None:
    port, process = begin(shop_run, "--workers", 2, "--sessions", redis_server.address)
    expected = {shop_run.name: answers_of(shop_run)}

    async def ask(client: httpx2.AsyncClient, number: int) -> bool | None:
        """Whether the answer is right; None if there was none."""
        body = {"requests": [{"user": f"u{number % USERS}"}], "count": 5}
        try:
            answer = await client.post("/recommend", json=body)
        except httpx2.TransportError:
            return None
        return answer.status_code == 200 and is_right(answer.json(), expected)

    async def kill() -> None:
        for _ in range(2):
            await asyncio.sleep(0.5)
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            workers = [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
            os.kill(int(workers[0]), signal.SIGKILL)
            await asyncio.sleep(10)

    async def work() -> list[bool | None]:
        async with client_of(port) as client:
            told = {"session": "s", "items": ["i1", "i2"], "rewards": [5, 1]}
            assert (await client.post("/feedback", json=told)).status_code == 200
            killing = asyncio.create_task(kill())
            given: list[bool | None] = []
            while not killing.done():
                given += await all_of(ask(client, number) for number in range(100))
            body = {"requests": [{"user": "u4", "session": "s"}], "count": ITEMS}
            [answer] = (await client.post("/recommend", json=body)).json()["answers"]
            assert not {"i1", "i2"} & set(answer["items"])
            return given

    given = asyncio.run(work())
    assert False not in given
    assert given.count(None) <= 2 * AT_ONCE  # those that the killed workers held
    assert given.count(True) > given.count(None)


def test_bodies_of_a_hundred_megabytes_are_refused_and_not_kept(begin: Begin, shop_run: Path) -> None:
    port, process = begin(shop_run)
    size = 100 << 20

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(size >> 16):
            yield bytes(1 << 16)

    async def send(client: httpx2.AsyncClient, content: Callable[[], Any]) -> int:
        return (await client.post("/recommend", content=content())).status_code

    async def work() -> list[int]:
        async with client_of(port) as client:
            await client.post("/recommend", json={"requests": [{}]})
            return await all_of(send(client, content) for content in [parts, lambda: bytes(size)] * 4)

    before = resident_mib(process.pid)
    assert asyncio.run(work()) == [413] * 8
    assert resident_mib(process.pid) < before + 50
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as client:
        client.sendall(f"POST /recommend HTTP/1.1\r\nhost: here\r\ncontent-length: {size}\r\n\r\n".encode())
        assert b" 413 " in client.recv(4096)  # before any of it was sent
