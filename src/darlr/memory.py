"""The memory of this machine and of this process; whether a computation can fit is asked before it begins."""

import contextlib
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from darlr.errors import InputError

_CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where a container finds its limit, in version 2 and in version 1."""


@dataclass(frozen=True)
class Need:
    """Memory that something takes.

    Attributes:
        size: bytes, roughly, and rather too few than too many.
        cause: what it hangs on, as "config key 'training.environments' is 100".
        what: what lies in it.
    """

    size: float
    cause: str
    what: str


def memory_here() -> int:
    """Bytes that this process may have at most: of the machine, of its container, of its own limit."""
    limits = [_memory_of_machine(), *_limit_of_process()]
    for file in _CGROUPS:
        with contextlib.suppress(OSError, ValueError):  # "max": no limit
            limits.append(int(file.read_text()))
    return min(limits)


def peak_memory() -> float:
    """The largest resident memory of this process so far, in MiB."""
    try:
        import resource  # noqa: PLC0415
    except ModuleNotFoundError:  # Windows has no such module, and psutil instead
        import psutil  # noqa: PLC0415

        peak: int = psutil.Process().memory_info().peak_wset
        return peak / 2**20
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def require_fits(needs: Iterable[Need]) -> None:
    """Raise `InputError` where `needs`, which are there together, cannot fit, naming the largest of them."""
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
    """What this process may have at most, where the system lets processes be limited so and this one is."""
    try:
        import resource  # noqa: PLC0415
    except ModuleNotFoundError:  # Windows
        return []
    own, _ = resource.getrlimit(resource.RLIMIT_AS)
    return [] if own == resource.RLIM_INFINITY else [own]


def _in_words(size: float) -> str:
    """Bytes with their unit."""
    for unit in ("MiB", "GiB", "TiB"):
        size /= 1024 if unit != "MiB" else 1024**2
        if size < 1024:
            return f"{size:,.1f} {unit}"
    return f"{size:,.0f} TiB"
