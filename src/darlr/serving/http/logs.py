"""Logs as lines of JSON, without personal data: no user, no item, no address, no key."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import IO

LOGGER = "darlr.serving"
FIELDS = "fields"
"""The attribute of a record that holds its fields besides the message (`extra`)."""


class JsonLines(logging.Formatter):
    """One JSON object for each record: time, level, event, and its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the JSON object of a record."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry = {"time": when, "level": record.levelname.lower(), "event": record.getMessage(), **getattr(record, FIELDS, {})}
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


class _Lasting(logging.StreamHandler[IO[str]]):
    """A handler that lets serving continue if a log cannot be written (a full disk)."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's own name)
        """Ignore the error."""
        pass


def service_logger(stream: IO[str] | None = None) -> logging.Logger:
    """Return the service's logger, which writes to `stream`, or to standard error; uvicorn's errors go there, too."""
    handler = _Lasting(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    for name in (LOGGER, "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
    return logging.getLogger(LOGGER)
