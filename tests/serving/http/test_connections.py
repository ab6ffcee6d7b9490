"""Connections that send or read nothing are closed, and the bytes that they may send without progress are bounded."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from darlr.serving.http import connections
from darlr.serving.http.connections import MOST_BYTES, Connection

SECONDS = 0.3
HEAD = b"POST /echo HTTP/1.1\r\nhost: here\r\n"
ECHO = HEAD + b"content-length: 3\r\n\r\nabc"
LARGE = 32 << 20
"""Bytes of an answer that does not fit into a socket's buffer."""

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the length of a body; `/large` sends a long answer, `/early` does not wait for the body."""
    length, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        length, more = length + len(message.get("body", b"")), message.get("more_body", False)
    body = bytes(LARGE) if scope["path"] == "/large" else str(length).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def served(use: Callable[[Callable[[], Awaitable[Client]], set[Any]], Awaitable[None]]) -> None:
    """Run `use` with a way to connect to `echo`, and the connections that the server has."""

    async def work() -> None:
        config = uvicorn.Config(echo, log_config=None, lifespan="off", ws="none", access_log=False, timeout_keep_alive=30)
        config.load()
        state, loop = ServerState(), asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Connection(SECONDS, config=config, server_state=state, app_state={}), "127.0.0.1", 0
        )
        port = server.sockets[0].getsockname()[1]
        async with server:
            await use(lambda: asyncio.open_connection("127.0.0.1", port), state.connections)

    asyncio.run(asyncio.wait_for(work(), 60))


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of the next answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)


@pytest.mark.parametrize("sent", [b"", b"PO", HEAD, HEAD + b"x: 1\r\nx: "])
def test_a_head_that_never_ends_is_answered_408_and_an_empty_connection_closed(sent: bytes) -> None:
    async def use(connect: Callable[[], Awaitable[Client]], open_ones: set[Any]) -> None:
        reader, writer = await connect()
        writer.write(sent)
        if sent:
            status, body = await answer(reader)
            assert (status, json.loads(body)) == (408, {"error": "the request did not arrive within 0.3 seconds"})
        assert await reader.read() == b""
        assert not open_ones

    served(use)


def test_a_head_that_trickles_in_has_no_longer_than_one_that_stops() -> None:
    async def use(connect: Callable[[], Awaitable[Client]], open_ones: set[Any]) -> None:
        reader, writer = await connect()

        async def trickle() -> None:
            for number in range(1_000):
                writer.write(HEAD if number == 0 else f"x{number}: 1\r\n".encode())
                await asyncio.sleep(SECONDS / 10)

        trickling = asyncio.create_task(trickle())
        assert (await answer(reader))[0] == 408
        trickling.cancel()

    served(use)


def test_blank_lines_between_requests_keep_no_connection() -> None:
    async def use(connect: Callable[[], Awaitable[Client]], open_ones: set[Any]) -> None:
        reader, writer = await connect()
        writer.write(ECHO)
        assert await answer(reader) == (200, b"3")
        writer.write(b"\r\n")
        assert (await answer(reader))[0] == 408

    served(use)


@pytest.mark.parametrize(
    "start",
    [HEAD + b"x: ", b"GET /", HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: "],
    ids=["header", "path", "trailer"],
)
def test_what_comes_to_nothing_is_bounded(start: bytes) -> None:
    async def use(connect: Callable[[], Awaitable[Client]], open_ones: set[Any]) -> None:
        reader, writer = await connect()
        writer.write(start)
        sent = 0
        try:
            while not reader.at_eof() and sent < 64 * MOST_BYTES:
                writer.write(b"a" * 4096)
                sent += 4096
                await writer.drain()
                await asyncio.sleep(0)
                if not open_ones:
                    break
        except ConnectionError:
            pass
        assert sent < 64 * MOST_BYTES
        assert not open_ones

    served(use)


def test_a_head_of_many_bytes_is_refused_with_431() -> None:
    async def use(connect: Callable[[], Awaitable[Client]], open_ones: set[Any]) -> None:
        reader, writer = await connect()
        writer.write(HEAD + b"x: " + b"a" * MOST_BYTES)
        assert (await answer(reader))[0] == 431
        reader, writer = await connect()
        writer.write(HEAD + b"x: " + b"a" * (MOST_BYTES // 2) + b"\r\ncontent-length: 200000\r\n\r\n" + bytes(200_000))
        assert await answer(reader) == (200, b"200000")

    served(use)


def test_the_rest_of_a_body_that_was_answered_early_is_dropped_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LINGER", 0.3)

    async def use(connect: Callable[[], Awaitable[Client]], open_ones: set[Any]) -> None:
        reader, writer = await connect()
        writer.write(b"POST /early HTTP/1.1\r\nhost: here\r\ncontent-length: 100000000\r\n\r\n")
        assert await answer(reader) == (200, b"0")
        writer.write(bytes(100_000))
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        assert not open_ones
        whole, sender = await connect()
        sender.write(b"POST /early HTTP/1.1\r\nhost: here\r\ncontent-length: 10000000\r\n\r\n")
        sender.write(bytes(10_000_000))
        assert await answer(whole) == (200, b"0")
        sender.write(ECHO)
        assert await answer(whole) == (200, b"3")

    served(use)


def test_an_answer_that_nobody_reads_is_dropped_and_one_that_is_read_slowly_is_not() -> None:
    async def use(connect: Callable[[], Awaitable[Client]], open_ones: set[Any]) -> None:
        get = b"GET /large HTTP/1.1\r\nhost: here\r\n\r\n"
        _, writer = await connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # what the socket holds is all that is taken
        writer.write(get)
        await asyncio.sleep(0.1)
        assert len(open_ones) == 1
        slow, asker = await connect()
        asker.write(get)
        await slow.readuntil(b"\r\n\r\n")
        for _ in range(LARGE >> 21):  # sixteen pieces, longer in all than one that stops would be waited for
            await slow.readexactly(1 << 21)
            await asyncio.sleep(SECONDS / 5)
        asker.write(ECHO)
        assert await answer(slow) == (200, b"3")
        assert len(open_ones) == 1

    served(use)


def test_requests_on_one_connection_are_answered_in_turn() -> None:
    async def use(connect: Callable[[], Awaitable[Client]], open_ones: set[Any]) -> None:
        reader, writer = await connect()
        writer.write(ECHO * 50)
        assert [await answer(reader) for _ in range(50)] == [(200, b"3")] * 50
        for _ in range(3):
            await asyncio.sleep(SECONDS * 1.5)  # a connection between requests has the time of kept ones
            writer.write(ECHO)
            assert await answer(reader) == (200, b"3")

    served(use)


@pytest.mark.parametrize(
    "bytes_sent", [b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"CONNECT here:1 HTTP/1.1\r\n\r\n", b"\x16\x03\x01"]
)
def test_what_is_no_http_is_answered_400(bytes_sent: bytes) -> None:
    async def use(connect: Callable[[], Awaitable[Client]], open_ones: set[Any]) -> None:
        reader, writer = await connect()
        writer.write(bytes_sent)
        assert (await answer(reader))[0] in (400, 408)

    served(use)
