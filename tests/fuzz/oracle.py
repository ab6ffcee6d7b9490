"""The property of every input: it is used, or refused in one line; never a traceback, a hang or exploding memory."""

import resource
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from darlr.errors import DarlrError, InputError, RunError

SECONDS = 10.0
MEMORY = 1 << 30
LONGEST = 1_200
"""The largest length of an error message, including names of files."""


class BrokenError(Exception):
    """An input was neither used nor refused properly; the text says how."""


class _HangError(BaseException):
    """The input hangs; not an `Exception`, so that the code under test does not catch it."""


def hold(call: Callable[[], Any]) -> str:
    """Return "used" or "refused"; raises `BrokenError` for any other end of `call`."""
    try:
        with _within(SECONDS):
            call()
    except DarlrError as error:
        _require_line(error)
        return "refused"
    except _HangError as error:
        raise BrokenError(f"hangs for more than {SECONDS:g} s") from error
    except MemoryError as error:
        raise BrokenError(f"takes more than {MEMORY >> 20} MiB at {_place(error)}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a panic of polars is no `Exception`
        raise BrokenError(f"ends in {type(error).__name__} at {_place(error)}: {error}") from error
    return "used"


def _place(error: BaseException) -> str:
    """Return where the error was raised, and the last place in darlr on the way there."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/darlr/" in frame.filename]
    return " from ".join(dict.fromkeys(f"{Path(frame.filename).name}:{frame.lineno}" for frame in (frames[-1], *own[-1:])))


def _require_line(error: DarlrError) -> None:
    text = str(error)
    if not text.isprintable() or not text:
        raise BrokenError(f"is refused with what is no line of text: {text!r}") from error
    if len(text) > LONGEST:
        raise BrokenError(f"is refused with {len(text)} characters: {text[:200]}...") from error
    if not isinstance(error, InputError | RunError) or error.exit_code not in (2, 3):
        raise BrokenError(f"is refused by {type(error).__name__}: {text}") from error


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise _HangError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def limit_memory() -> None:
    """Limit this process to `MEMORY` above its present memory."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 (no path of a file on a disk)
        pages = int(file.read().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
