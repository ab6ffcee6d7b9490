"""What becomes of the process when it writes into a pipe or connection that nobody reads any more."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


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
