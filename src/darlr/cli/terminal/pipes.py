"""The treatment of output that can no longer be written."""

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from darlr.errors import RunError


def end_with_reader() -> None:
    """End quietly when the reader of the output has ended, like other commands: `darlr recommend RUN | head`."""
    if hasattr(signal, "SIGPIPE"):  # Windows has no such signal: there the write fails, and `requiring_output` tells
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


@contextmanager
def outliving_readers() -> Iterator[None]:
    """Treat the end of a reader (a server or a worker's process) as an error to be handled here, not as the end of this
    process.
    """
    if not hasattr(signal, "SIGPIPE"):
        yield
        return
    handler = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGPIPE, handler)


@contextmanager
def requiring_output() -> Iterator[None]:
    """Raise `RunError` in the block, or at its end, if standard output fails, for example on a full disk."""
    stream = sys.stdout
    sys.stdout = output = _RequiredOutput(stream)
    try:
        yield
        output.flush()
    except SystemExit:  # after help
        output.flush()
        raise
    finally:
        sys.stdout = stream


class _RequiredOutput(io.TextIOBase):
    """The text stream `stream`, whose failures are `RunError`s."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with _refusing(self._stream):
            return self._stream.write(text)

    def flush(self) -> None:
        with _refusing(self._stream):
            self._stream.flush()


@contextmanager
def _refusing(stream: TextIO) -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        raise RunError(
            f"standard output is {error.encoding}, which has no {character!a}; set PYTHONIOENCODING=utf-8, or write to a file"
        ) from error
    except OSError as error:
        # When the process ends, the rest of the buffer would be written again, and fail.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        raise RunError(f"standard output cannot be written ({error.strerror})") from error
