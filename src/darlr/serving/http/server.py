"""The server of the application: in this process, or in several workers that share a port."""

import contextlib
import functools
import gc
import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
import uvicorn

from darlr.serving.http.app import Parts, application
from darlr.serving.http.connections import Connection
from darlr.serving.http.gate import Gate
from darlr.serving.http.logs import service_logger
from darlr.serving.http.metrics import MULTIPROCESS
from darlr.serving.http.settings import ServiceSettings

SETTINGS = "DARLR_SERVE"
"""The environment variable that hands the settings to workers."""
KEEP_ALIVE = 30
GRACE = 30
"""Seconds in which running requests are answered after the service was told to stop."""
HUNG = 20
"""Seconds after which a worker without a sign of life is replaced; loading torch from a cold disk takes many of them.

The supervisor waits this long for a worker that died while it was asked, and handles nothing else in the meantime, not even
a signal to stop.
"""


def serve(settings: ServiceSettings, host: str, port: int, workers: int) -> None:
    """Serve until a signal says to stop; running requests are answered before.

    Raises:
        InputError: for a run or settings that cannot be served.
    """
    options: dict[str, Any] = {
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE,
        "timeout_graceful_shutdown": GRACE,
        "timeout_worker_healthcheck": HUNG,
        "http": functools.partial(Connection, settings.timeout),
        "ws": "none",
    }
    if workers == 1:
        uvicorn.run(_made(settings), host=host, port=port, **options)
        return
    Parts(settings, service_logger())  # an error is reported once, here, and not by every worker
    with _shared(settings) as told:
        os.environ[SETTINGS] = told.encoded()
        uvicorn.run("darlr.serving.http.server:worker", factory=True, host=host, port=port, workers=workers, **options)


def worker() -> Gate:
    """Make the application of a worker process, which stops when the process that started it is gone."""
    threading.Thread(target=_stop_without_starter, daemon=True).start()
    return _made(ServiceSettings.decoded(os.environ[SETTINGS]))


def _stop_without_starter() -> None:
    """Stop this process, as a signal would, once the process that started it is gone, because it would keep the port."""
    starter = multiprocessing.parent_process()
    assert starter is not None  # workers are started by uvicorn's supervisor
    starter.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _made(settings: ServiceSettings) -> Gate:
    torch.set_num_threads(settings.threads)
    made = application(Parts(settings, service_logger()))
    gc.collect()
    gc.freeze()  # the garbage collector skips permanent objects while clients wait
    return made


@contextlib.contextmanager
def _shared(settings: ServiceSettings) -> Iterator[ServiceSettings]:
    """Yield settings with a folder that workers share: for their numbers, and for the signal to load the run anew."""
    with tempfile.TemporaryDirectory(prefix="darlr-serve-") as folder:
        os.environ[MULTIPROCESS] = folder
        yield replace(settings, signals=folder)
