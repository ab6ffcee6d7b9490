"""Limits of one connection: bytes without progress, time to send a request, and time to read an answer.

The gate (`gate.py`) bounds requests whose head has arrived. Before that, and after the answer, only the connection can.
"""

import asyncio
import json
import logging
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from darlr.serving.http.logs import FIELDS, LOGGER

MOST_BYTES = 1 << 16
"""The number of bytes that may arrive without ending a head, being part of a body or ending a request."""
LINGER = 5.0
"""Seconds, after the time of a body, in which the rest of a refused body is dropped, so that its client sees the refusal."""


class Connection(HttpToolsProtocol):
    """HTTP over one connection, which is closed if it holds resources without using them.

    A head has `seconds` from its first byte (the first head: from the start of the connection). A body has `seconds` from
    its head. Within `seconds`, the client has to read some of an answer. Time does not count while the service itself does
    not read.
    """

    def __init__(self, seconds: float, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._seconds = seconds
        self._idle_bytes, self._steps, self._in_body = 0, 0, False
        self._arrival: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the library has it
        """Start the timer of the first head."""
        super().connection_made(transport)
        self._expect_arrival(self._seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        _cancel(self._arrival)
        _cancel(self._reading)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count bytes without progress, and refuse a head that is too large."""
        if self._arrival is None:
            self._expect_arrival(self._seconds)
        steps = self._steps
        super().data_received(data)
        self._idle_bytes = self._idle_bytes + len(data) if self._steps == steps else 0
        if self._idle_bytes > MOST_BYTES and not self.transport.is_closing():
            self._refuse(431, f"the head of the request is too large; expected at most {MOST_BYTES:,} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Pass on a header, unless it follows a chunked body."""
        if not self._in_body:  # trailers of a chunked body are ignored
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the timer of the body."""
        self._steps, self._in_body = self._steps + 1, True
        self._expect_arrival(self._seconds + LINGER)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Note progress."""
        self._steps += 1
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the timer of the request."""
        self._steps, self._in_body = self._steps + 1, False
        _cancel(self._arrival)
        self._arrival = None
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Start the timer of a client that does not read."""
        super().pause_writing()
        self._expect_reading()

    def resume_writing(self) -> None:
        """Stop the timer of a client that does not read."""
        super().resume_writing()
        _cancel(self._reading)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, after its client has read everything."""
        super().timeout_keep_alive_handler()  # closes once everything is read
        self._expect_reading()

    def _expect_arrival(self, seconds: float) -> None:
        _cancel(self._arrival)
        self._arrival = self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        if self.flow.read_paused or self._answering:
            self._expect_arrival(LINGER)
        elif self._in_body or not self._idle_bytes:
            self.transport.abort()  # already answered, or nothing was requested
        elif not self.transport.is_closing():
            self._refuse(408, f"the request did not arrive within {self._seconds:g} seconds")

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_reading(self) -> None:
        left = self.transport.get_write_buffer_size()
        _cancel(self._reading)
        self._reading = self.loop.call_later(self._seconds, self._stalled, left)

    def _stalled(self, left: int) -> None:
        if self.transport.get_write_buffer_size() < left:
            self._expect_reading()
        else:
            self.transport.abort()

    def _refuse(self, status: int, text: str) -> None:
        if self._answering:  # this text would be taken for the answer to the previous request
            self.transport.abort()
            return
        body = json.dumps({"error": text}).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
        logging.getLogger(LOGGER).info("connection refused", extra={FIELDS: {"status": status}})


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
