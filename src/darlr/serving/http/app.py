"""The web application: its paths, and the objects that live as long as it does."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from redis.asyncio import Redis
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response

from darlr._version import __version__
from darlr.errors import DarlrError, InputError
from darlr.serving.http.bodies import ANSWERS, EXAMPLES, FEEDBACK, REFUSALS, RUN, TAKEN, TOLD, operation, recommend_schema
from darlr.serving.http.gate import FREE, KEY, Gate
from darlr.serving.http.keys import Keys
from darlr.serving.http.logs import FIELDS
from darlr.serving.http.metrics import Metrics
from darlr.serving.http.page import Page
from darlr.serving.http.refusals import RefusedError, json_response
from darlr.serving.http.service import Service
from darlr.serving.http.serving_run import ServingRun
from darlr.serving.http.sessions import MemorySessions, RedisSessions, Sessions
from darlr.serving.http.settings import MEMORY, NO_SESSIONS, ServiceSettings
from darlr.serving.schema import object_schema

LEFT = 499
"""The status in logs and metrics for a client that disconnected; nobody receives it."""


class Parts:
    """The parts of the application.

    Raises:
        InputError: for a run or keys that cannot be used.
    """

    def __init__(self, settings: ServiceSettings, logger: logging.Logger, redis: Redis | None = None) -> None:
        """
        Args:
            settings: the settings.
            logger: the service's logger.
            redis: replaces the one at the address in `settings`.
        """
        self.settings, self.logger = settings, logger
        self.keys = Keys.read(Path(settings.keys)) if settings.keys else Keys({})
        self.metrics = Metrics()
        self.run = ServingRun(settings, self.metrics, logger)
        self.sessions = _sessions(settings, redis)
        self.service = Service(settings, self.run, self.sessions, self.metrics)
        self.page = Page()


class _Api(FastAPI):
    """An API whose schema says where a key is needed."""

    needs_key = False

    def openapi(self) -> dict[str, Any]:
        schema = super().openapi()
        if self.needs_key:
            schema.setdefault("components", {})["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            for path, operations in schema["paths"].items():
                for told in operations.values():
                    told["security"] = [] if path in FREE else [{"key": []}]
        return schema


def _sessions(settings: ServiceSettings, redis: Redis | None) -> Sessions | None:
    if redis is None and settings.sessions == NO_SESSIONS:
        return None
    if redis is None and settings.sessions == MEMORY:
        return MemorySessions(settings.most_sessions, settings.session_seconds)
    if redis is not None:
        return RedisSessions(redis, settings.session_seconds)
    # A Redis that does not answer is reported before the request times out.
    return RedisSessions.at(settings.sessions, settings.session_seconds, settings.timeout / 3)


def application(parts: Parts) -> Gate:
    """Make the ASGI application of `parts`."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(parts.run.watch()) if parts.settings.watch else None
        parts.logger.info("serving", extra={FIELDS: {"run": parts.run.name, "darlr": __version__}})
        yield
        if watching is not None:
            watching.cancel()
        if parts.sessions is not None:
            await parts.sessions.close()
        parts.logger.info("stopped", extra={FIELDS: {"run": parts.run.name}})

    # FastAPI's pages about the schema load scripts from other hosts, so only the schema itself is served.
    app = _Api(title="darlr", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.needs_key = not parts.keys.open
    _add_refusals(app)
    _add_service(app, parts)
    _add_care(app, parts)
    return Gate(app, parts.settings, parts.keys, parts.metrics, parts.logger)


def _add_refusals(app: FastAPI) -> None:
    @app.exception_handler(RefusedError)
    async def refused(request: Request, refusal: RefusedError) -> Response:
        return refusal.response()

    @app.exception_handler(DarlrError)
    async def unusable(request: Request, error: DarlrError) -> Response:
        malformed = isinstance(error, InputError) and "not valid JSON" in str(error)
        return RefusedError(400 if malformed else 422, str(error)).response()

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        response = json_response({"error": str(error.detail)}, error.status_code)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(ClientDisconnect)
    async def left(request: Request, error: ClientDisconnect) -> Response:
        return RefusedError(LEFT, "the client left before its request had arrived").response()


def _add_service(app: FastAPI, parts: Parts) -> None:
    settings, refusals = parts.settings, [status for status in REFUSALS if status != 403]
    asked = {"schema": recommend_schema(settings.most_requests, settings.most_count), "example": EXAMPLES["recommend"]}
    given = {"schema": object_schema(FEEDBACK, TOLD), "example": EXAMPLES["feedback"]}

    @app.post("/recommend", summary="Rank items for users", openapi_extra=operation(ANSWERS, refusals, asked))
    async def recommend(request: Request) -> Response:
        return json_response(await parts.service.recommend(await request.body()))

    @app.post("/feedback", summary="Tell what a user gave within a session", openapi_extra=operation(TAKEN, refusals, given))
    async def feedback(request: Request) -> Response:
        return json_response(await parts.service.feedback(await request.body()))


def _add_care(app: FastAPI, parts: Parts) -> None:
    @app.get("/health", summary="Whether the process lives")
    async def health() -> Response:
        return json_response({"status": "alive"})

    @app.get("/ready", summary="Whether it serves, and which run", openapi_extra=operation(RUN, [503]))
    async def ready() -> Response:
        if parts.sessions is not None:
            await parts.sessions.check()
        return json_response({"status": "ready", "run": parts.run.name})

    @app.get("/metrics", summary="Numbers for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> Response:
        return Response(parts.metrics.text(), media_type=parts.metrics.content_type)

    @app.post(
        "/admin/reload",
        summary="Load and serve the run that the pointer names now",
        openapi_extra=operation(RUN, [401, 403, 422, 503]),
    )
    async def reload(request: Request) -> Response:
        parts.keys.require_admin(request.scope.get(KEY, ""))
        return json_response({"run": await parts.run.reload()})

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return parts.page.response(parts.run, parts.keys)
