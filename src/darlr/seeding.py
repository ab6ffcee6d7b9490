"""One seed gives every part of a run its own named random generator.

A stream is derived from its name, so adding a stream never changes the numbers that another one draws.
"""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def derive_seed(seed: int, *names: str) -> int:
    """Derive the 63-bit seed of the stream `names` in a run with `seed`."""
    digest = hashlib.sha256("/".join([str(seed), *names]).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def torch_generator(seed: int, *names: str, device: "torch.device | str" = "cpu") -> "torch.Generator":
    """Make the torch generator of the stream `names`, on `device`."""
    import torch  # noqa: PLC0415 (data sets are listed and checked without it)

    return torch.Generator(device=device).manual_seed(derive_seed(seed, *names))


def numpy_generator(seed: int, *names: str) -> np.random.Generator:
    """Make the numpy generator of the stream `names`."""
    return np.random.default_rng(derive_seed(seed, *names))
