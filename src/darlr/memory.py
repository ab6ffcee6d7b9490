"""The memory of this machine and of this process, and a check, before a computation begins, that it fits."""

import contextlib
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from darlr.errors import InputError

_CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""The files that hold a container's memory limit, in version 2 and in version 1 of control groups."""


@dataclass(frozen=True)
class Need:
    """A demand for memory.

    Attributes:
        size: bytes; a rough estimate that errs on the low side.
        cause: the setting that decides the size, for example "config key 'training.environments' is 100".
        what: the contents, for the message.
    """

    size: float
    cause: str
    what: str


def memory_here() -> int:
    """Return the bytes that this process may use at most: the least of the machine's, its container's and its own limit."""
    limits = [_memory_of_machine(), *_limit_of_process()]
    for file in _CGROUPS:
        with contextlib.suppress(OSError, ValueError):  # "max": no limit
            limits.append(int(file.read_text()))
    return min(limits)


def peak_memory() -> float:
    """Return the largest resident memory of this process so far, in MiB."""
    try:
        import resource  # noqa: PLC0415
    except ModuleNotFoundError:  # Windows has no such module, and psutil instead
        import psutil  # noqa: PLC0415

        peak: int = psutil.Process().memory_info().peak_wset
        return peak / 2**20
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def require_fits(needs: Iterable[Need]) -> None:
    """Check that `needs`, which exist at the same time, fit into the memory.

    Raises:
        InputError: if they do not fit; the message names the largest of them.
    """
    together = list(needs)
    total, here = sum(need.size for need in together), memory_here()
    if total > here:
        largest = max(together, key=lambda need: need.size)
        size = f"about {_in_words(largest.size)} for {largest.what}"
        among = "" if largest.size > here else f", {_in_words(total)} in all"
        raise InputError(f"{largest.cause}, which takes {size}{among}; expected at most the {_in_words(here)} of this machine")


def _memory_of_machine() -> int:
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    import psutil  # noqa: PLC0415 (on Windows)

    total: int = psutil.virtual_memory().total
    return total


def _limit_of_process() -> list[int]:
    """Return the limit on this process's memory in bytes, in a list; an empty list if the system or the process has none."""
    try:
        import resource  # noqa: PLC0415
    except ModuleNotFoundError:  # Windows
        return []
    own, _ = resource.getrlimit(resource.RLIMIT_AS)
    return [] if own == resource.RLIM_INFINITY else [own]


def _in_words(size: float) -> str:
    """Format a number of bytes with a unit."""
    for unit in ("MiB", "GiB", "TiB"):
        size /= 1024 if unit != "MiB" else 1024**2
        if size < 1024:
            return f"{size:,.1f} {unit}"
    return f"{size:,.0f} TiB"
