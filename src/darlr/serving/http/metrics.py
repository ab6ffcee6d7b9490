"""Numbers for Prometheus; with several workers, those of all of them."""

import os
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
"""The library's environment variable that names the folder of the workers' numbers."""
KINDS = ("counter", "histogram", "gauge_livesum")
"""The kinds of the numbers below, as the library names their files."""
ROOM = 1 << 16
"""Bytes for the numbers of a kind, more than all paths, statuses and outcomes take."""
SECONDS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.025, 0.04, 0.1, 0.25, 1.0, 5.0)


class Metrics:
    """Counters and times of one worker."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        if MULTIPROCESS in os.environ:
            _take_room(Path(os.environ[MULTIPROCESS]))
        self._registry = registry = CollectorRegistry()
        self.requests = Counter("darlr_http_requests", "HTTP requests", ["path", "status"], registry=registry)
        self.seconds = Histogram("darlr_http_seconds", "Time of an HTTP request", ["path"], buckets=SECONDS, registry=registry)
        self.lists = Counter("darlr_lists", "Lists that were recommended", registry=registry)
        self.feedback = Counter("darlr_feedback", "Rewards that were told", registry=registry)
        self.reloads = Counter("darlr_reloads", "Changes to another run", ["outcome"], registry=registry)
        self.sessions = Gauge("darlr_sessions", "Sessions in memory", multiprocess_mode="livesum", registry=registry)

    def text(self) -> bytes:
        """Return all numbers in Prometheus' format."""
        if MULTIPROCESS not in os.environ:
            return generate_latest(self._registry)
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
        return generate_latest(everybody)


def _take_room(folder: Path) -> None:
    """Allocate the files of this worker's numbers on disk before the library maps them into memory.

    A mapped page without room on a full disk would kill the worker while it answers.

    Raises:
        OSError: if there is no room.
    """
    for kind in KINDS:
        (folder / f"{kind}_{os.getpid()}.db").write_bytes(bytes(ROOM))
