"""The device that a process computes on, and its number of threads."""

import torch

from darlr.config.constraints import require_between
from darlr.errors import InputError, unknown

MOST_THREADS = 1_024


def compute_on(name: str, threads: int) -> torch.device:
    """Return the device that `--device` names (`auto`: a GPU if there is one), and set the number of CPU threads of this
    process.

    Raises:
        InputError: for a GPU that is not there, and for a number of threads outside 1..`MOST_THREADS`.
    """
    require_between("--threads", threads, 1, MOST_THREADS)
    torch.set_num_threads(threads)
    return device_named(name, "--device")


def device_named(name: str, option: str = "device") -> torch.device:
    """Return the device `auto` (a GPU if there is one), `cpu` or `cuda`.

    Raises:
        InputError: for another name, and for a GPU that is not there.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise unknown(option, name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError(f"{option} is 'cuda', but torch finds no GPU here; expected 'cpu' or 'auto'")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
