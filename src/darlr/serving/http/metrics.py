"""What Prometheus is told; with several workers, the numbers of all of them."""

import os

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
"""The folder in which workers keep their numbers, named by an environment variable of the library's."""
SECONDS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.025, 0.04, 0.1, 0.25, 1.0, 5.0)


class Metrics:
    """Counters and times of one worker."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter("darlr_http_requests", "HTTP requests", ["path", "status"], registry=registry)
        self.seconds = Histogram("darlr_http_seconds", "Time of an HTTP request", ["path"], buckets=SECONDS, registry=registry)
        self.lists = Counter("darlr_lists", "Lists that were recommended", registry=registry)
        self.feedback = Counter("darlr_feedback", "Rewards that were told", registry=registry)
        self.reloads = Counter("darlr_reloads", "Changes to another run", ["outcome"], registry=registry)
        self.sessions = Gauge("darlr_sessions", "Sessions in memory", multiprocess_mode="livesum", registry=registry)

    def text(self) -> bytes:
        """All of it in Prometheus' format."""
        if MULTIPROCESS not in os.environ:
            return generate_latest(self._registry)
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
        return generate_latest(everybody)
