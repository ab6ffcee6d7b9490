"""Normal noise of pairs that is computed, not kept: the same number for the same pair and key."""

import math

import torch
from torch import Tensor

_FIRST, _SECOND = 0xBF58476D1CE4E5B9 - 2**64, 0x94D049BB133111EB - 2**64  # as signed numbers


def pair_noise(pairs: Tensor, key: Tensor) -> Tensor:
    """Float32 standard normal numbers for the `pairs`, int64 numbers of any shape, under an int64 `key`.

    Bits are mixed as splitmix64 does (Steele, Lea and Flood, OOPSLA 2014), and the upper 52 are a uniform number.
    """
    mixed = pairs + key
    mixed = (mixed ^ _shifted(mixed, 30)) * _FIRST
    mixed = (mixed ^ _shifted(mixed, 27)) * _SECOND
    uniform = (_shifted(mixed ^ _shifted(mixed, 31), 12).double() + 0.5) / 2.0**52  # never 0 or 1
    normal: Tensor = (math.sqrt(2) * torch.erfinv(2 * uniform - 1)).float()
    return normal


def _shifted(numbers: Tensor, places: int) -> Tensor:
    """`numbers` >> `places`, as unsigned ones."""
    return (numbers >> places).bitwise_and(2 ** (64 - places) - 1)
