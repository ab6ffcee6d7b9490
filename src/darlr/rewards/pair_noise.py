"""Normal noise of user-item pairs, computed instead of stored: the same pair and key give the same number."""

import math

import torch
from torch import Tensor

_FIRST, _SECOND = 0xBF58476D1CE4E5B9 - 2**64, 0x94D049BB133111EB - 2**64  # as signed numbers


def pair_noise(pairs: Tensor, key: Tensor) -> Tensor:
    """Return float32 standard normal numbers for `pairs`, int64 numbers of any shape, under an int64 `key` (scalar).

    The bits are mixed like those of splitmix64 (Steele, Lea and Flood, OOPSLA 2014); the upper 52 bits give a uniform number.
    """
    mixed = pairs + key
    mixed = (mixed ^ _shifted(mixed, 30)) * _FIRST
    mixed = (mixed ^ _shifted(mixed, 27)) * _SECOND
    uniform = (_shifted(mixed ^ _shifted(mixed, 31), 12).double() + 0.5) / 2.0**52  # never 0 or 1
    normal: Tensor = (math.sqrt(2) * torch.erfinv(2 * uniform - 1)).float()
    return normal


def _shifted(numbers: Tensor, places: int) -> Tensor:
    """Return `numbers` >> `places`, with the numbers read as unsigned."""
    return (numbers >> places).bitwise_and(2 ** (64 - places) - 1)
