"""The errors that darlr raises on purpose: bad input, a failure while running, and a step that is not warranted.

The command line prints each as one line and ends with its `exit_code`. Any other exception is a defect and shows its traceback.
"""

import difflib
from collections.abc import Iterable

from darlr.text import VALUE, message, shortened


class DarlrError(Exception):
    """The base of darlr's errors. Its message is one line of at most about a thousand printable characters."""

    exit_code = 1

    def __init__(self, text: str) -> None:
        super().__init__(message(text))


class InputError(DarlrError):
    """A file, option or key cannot be used; the message names it and says what was expected."""

    exit_code = 2


class BusyError(InputError):
    """Another process works on the run."""


class RunError(DarlrError):
    """A run had to stop while it was working, for example because a loss became NaN."""

    exit_code = 3


class RefusedError(DarlrError):
    """A step was not taken because its condition does not hold; the input itself is fine."""

    exit_code = 4


def unknown(kind: str, given: str, known: Iterable[str]) -> InputError:
    """Make an `InputError` for a name that is not among the `known` ones; it suggests the nearest known name."""
    names = sorted(known)
    nearest = difflib.get_close_matches(given, names, n=1, cutoff=0.5)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
    return InputError(f"unknown {kind} '{shortened(given, VALUE)}'{hint} (known: {', '.join(names)})")


def out_of_memory(error: BaseException) -> RunError | None:
    """Make a `RunError` if `error`, raised by Python, numpy or torch, says that memory ran out; return None for any other
    error.
    """
    told = " ".join(str(error).split())
    refused = isinstance(error, RuntimeError) and ("can't allocate memory" in told or "out of memory" in told)
    if not (isinstance(error, MemoryError) or refused):
        return None
    what = f" ({shortened(told, VALUE)})" if told else ""
    return RunError(f"memory ran out{what}; free some, or choose smaller settings")
