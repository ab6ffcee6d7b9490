"""The service in this process: no port, no wait for a start."""

import asyncio
import io
import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from darlr.serving.http.app import Parts, application
from darlr.serving.http.logs import service_logger
from darlr.serving.http.settings import ServiceSettings

Start = Callable[..., TestClient]


class Logged(io.StringIO):
    """What the service logged."""

    def entries(self, event: str) -> list[dict[str, Any]]:
        lines = map(json.loads, self.getvalue().splitlines())
        return [line for line in lines if line["event"] == event]


@pytest.fixture
def logged() -> Logged:
    return Logged()


@pytest.fixture
def start(shop_run: Path, logged: Logged) -> Iterator[Start]:
    """`start(keys=..., most_bytes=...)`: a client of a service of the shop's run, which stops after the test."""
    with ExitStack() as stack:

        def begin(redis: Any = None, **changes: Any) -> TestClient:
            settings = ServiceSettings(**{"run": str(shop_run), "watch": 0, **changes})
            app = application(Parts(settings, service_logger(logged), redis))
            return stack.enter_context(TestClient(app))

        yield begin


def run_async(work: Coroutine[Any, Any, Any]) -> Any:
    """What `work` gives."""
    return asyncio.run(work)
