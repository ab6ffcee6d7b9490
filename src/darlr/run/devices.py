"""Where a process computes, and with how many threads."""

import torch

from darlr.errors import InputError


def compute_on(name: str, threads: int) -> torch.device:
    """The device that `--device` names (`auto`: a GPU if there is one), with `threads` CPU threads for this process.

    Raises `InputError` for a GPU that is not there and for fewer than one thread.
    """
    if threads < 1:
        raise InputError(f"--threads is {threads}; expected at least 1")
    torch.set_num_threads(threads)
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device is 'cuda', but torch finds no GPU here; expected 'cpu' or 'auto'")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
