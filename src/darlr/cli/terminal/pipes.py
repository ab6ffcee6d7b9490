"""What becomes of the process when it writes where nothing can be written any more."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from darlr.errors import RunError


def end_with_reader() -> None:
    """End quietly when whoever reads the output has gone, as other commands do: `darlr recommend RUN | head`."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


@contextmanager
def outliving_readers() -> Iterator[None]:
    """A reader that has gone, a server or a worker's process, is an error to be handled here, not the end of this process."""
    handler = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGPIPE, handler)


@contextmanager
def requiring_output() -> Iterator[None]:
    """Raise `RunError` if standard output cannot take what the block printed, as on a full disk."""
    try:
        yield
    finally:
        try:
            sys.stdout.flush()  # fails again after a failed print, because the text is still in the buffer
        except OSError as error:
            _discard_output()
            raise RunError(f"standard output cannot be written ({error.strerror})") from error


def _discard_output() -> None:
    """Send standard output nowhere, so that Python does not try to write its rest when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
