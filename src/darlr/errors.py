"""The ways in which darlr refuses: bad input, a failure while running, and a step that is not warranted.

The command line prints either as one line and ends with its `exit_code`; anything else is a defect and shows its traceback.
"""

import difflib
from collections.abc import Iterable

from darlr.text import VALUE, message, shortened


class DarlrError(Exception):
    """Base of every refusal; its message is one clear line of at most about a thousand characters, all of which print."""

    exit_code = 1

    def __init__(self, text: str) -> None:
        super().__init__(message(text))


class InputError(DarlrError):
    """A file, option or key that cannot be used; the message names it and what was expected."""

    exit_code = 2


class BusyError(InputError):
    """A run that another process works on."""


class RunError(DarlrError):
    """A run that had to stop while it was working (for example a loss that became NaN)."""

    exit_code = 3


class RefusedError(DarlrError):
    """A step that was not taken because what is asked of it before does not hold; nothing is wrong with the input."""

    exit_code = 4


def unknown(kind: str, given: str, known: Iterable[str]) -> InputError:
    """An `InputError` for a name that is not among the `known` ones, suggesting the nearest."""
    names = sorted(known)
    nearest = difflib.get_close_matches(given, names, n=1, cutoff=0.5)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
    return InputError(f"unknown {kind} '{shortened(given, VALUE)}'{hint} (known: {', '.join(names)})")


def out_of_memory(error: BaseException) -> RunError | None:
    """The refusal for an `error` of Python, numpy or torch that says that memory ran out; None for any other."""
    told = " ".join(str(error).split())
    refused = isinstance(error, RuntimeError) and ("can't allocate memory" in told or "out of memory" in told)
    if not (isinstance(error, MemoryError) or refused):
        return None
    what = f" ({shortened(told, VALUE)})" if told else ""
    return RunError(f"memory ran out{what}; free some, or choose smaller settings")
