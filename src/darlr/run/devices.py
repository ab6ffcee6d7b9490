"""Where a process computes, and with how many threads."""

import torch

from darlr.config.constraints import require_between
from darlr.errors import InputError, unknown

MOST_THREADS = 1_024


def compute_on(name: str, threads: int) -> torch.device:
    """The device that `--device` names (`auto`: a GPU if there is one), with `threads` CPU threads for this process.

    Raises `InputError` for a GPU that is not there and for threads out of 1..`MOST_THREADS`.
    """
    require_between("--threads", threads, 1, MOST_THREADS)
    torch.set_num_threads(threads)
    return device_named(name, "--device")


def device_named(name: str, option: str = "device") -> torch.device:
    """The device `auto` (a GPU if there is one), `cpu` or `cuda`; raises `InputError` for another, and for a GPU not there."""
    if name not in ("auto", "cpu", "cuda"):
        raise unknown(option, name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError(f"{option} is 'cuda', but torch finds no GPU here; expected 'cpu' or 'auto'")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
