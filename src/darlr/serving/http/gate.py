"""The gate that every HTTP request passes: it checks key, size and time, and counts and logs the request."""

import asyncio
import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from darlr.serving.http.keys import Keys
from darlr.serving.http.logs import FIELDS
from darlr.serving.http.metrics import Metrics
from darlr.serving.http.refusals import RefusedError
from darlr.serving.http.settings import ServiceSettings

FREE = frozenset({"/", "/health", "/ready", "/openapi.json"})
"""Paths that need no key, because they reveal no user."""
PATHS = FREE | {"/recommend", "/feedback", "/metrics", "/admin/reload"}
KEY = "darlr_key"
"""The entry of the request's scope that holds the name of the key."""


class Gate:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp, settings: ServiceSettings, keys: Keys, metrics: Metrics, logger: logging.Logger) -> None:
        self._app, self._settings, self._keys = app, settings, keys
        self._metrics, self._logger = metrics, logger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        passage = _Passage(receive, send, self._settings.most_bytes)
        try:
            await self._pass(scope, passage)
        except RefusedError as refusal:
            if not passage.begun:
                await refusal.response()(scope, receive, passage.send)
        except Exception:
            self._logger.exception("failed")
            if not passage.begun:
                await RefusedError(500, "the service failed; its log says why").response()(scope, receive, passage.send)
        self._note(scope, passage.status, time.perf_counter() - started)

    async def _pass(self, scope: Scope, passage: "_Passage") -> None:
        headers = dict(scope["headers"])
        if scope["path"] not in FREE:
            authorization = headers.get(b"authorization")
            scope[KEY] = self._keys.name_of(None if authorization is None else authorization.decode("latin-1"))
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._settings.most_bytes:
            raise passage.too_large()
        try:
            async with asyncio.timeout(self._settings.timeout):
                await self._app(scope, passage.receive, passage.send)
        except TimeoutError as error:
            seconds = f"{self._settings.timeout:g} seconds"
            if passage.whole:
                raise RefusedError(503, f"the answer was not ready within {seconds}") from error
            raise RefusedError(408, f"the request did not arrive within {seconds}") from error

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        path = scope["path"] if scope["path"] in PATHS else "other"
        self._metrics.requests.labels(path, str(status)).inc()
        self._metrics.seconds.labels(path).observe(seconds)
        fields = {"method": scope["method"], "path": path, "status": status, "ms": round(seconds * 1e3, 3)}
        who = {"key": scope[KEY]} if scope.get(KEY) else {}
        self._logger.info("request", extra={FIELDS: {**fields, **who}})


class _Passage:
    """One request of at most a given number of bytes; knows whether it arrived whole, and how its answer began."""

    def __init__(self, receive: Receive, send: Send, most_bytes: int) -> None:
        self._receive, self._send, self._most = receive, send, most_bytes
        self._received = 0
        self.whole, self.begun, self.status = False, False, 0

    async def receive(self) -> Message:
        """Receive a part of the request.

        Raises:
            RefusedError: if the request is too large.
        """
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > self._most:
            raise self.too_large()
        self.whole = self.whole or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self.begun, self.status = True, message["status"]
        await self._send(message)

    def too_large(self) -> RefusedError:
        """Return the error for a body that is too large."""
        return RefusedError(413, f"the body is too large; expected at most {self._most:,} bytes")
