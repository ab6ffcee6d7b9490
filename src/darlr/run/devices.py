"""Where a process computes, and with how many threads."""

import torch

from darlr.errors import InputError, unknown


def compute_on(name: str, threads: int) -> torch.device:
    """The device that `--device` names (`auto`: a GPU if there is one), with `threads` CPU threads for this process.

    Raises `InputError` for a GPU that is not there and for fewer than one thread.
    """
    if threads < 1:
        raise InputError(f"--threads is {threads}; expected at least 1")
    torch.set_num_threads(threads)
    return device_named(name, "--device")


def device_named(name: str, option: str = "device") -> torch.device:
    """The device `auto` (a GPU if there is one), `cpu` or `cuda`; raises `InputError` for another, and for a GPU not there."""
    if name not in ("auto", "cpu", "cuda"):
        raise unknown(option, name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError(f"{option} is 'cuda', but torch finds no GPU here; expected 'cpu' or 'auto'")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
