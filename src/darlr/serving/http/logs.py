"""Logs as lines of JSON, without personal data: no user, no item, no address, no key."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import IO

LOGGER = "darlr.serving"
FIELDS = "fields"
"""Under which a record has its fields beside the message (`extra`)."""


class JsonLines(logging.Formatter):
    """One JSON object a record: time, level, what happened, and the fields of it."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry = {"time": when, "level": record.levelname.lower(), "event": record.getMessage(), **getattr(record, FIELDS, {})}
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


class _Lasting(logging.StreamHandler[IO[str]]):
    """Serving goes on where a log cannot be written (a full disk)."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's own name)
        pass


def service_logger(stream: IO[str] | None = None) -> logging.Logger:
    """The service's logger; it writes to `stream`, or to standard error, and uvicorn's errors do so, too."""
    handler = _Lasting(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    for name in (LOGGER, "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
    return logging.getLogger(LOGGER)
