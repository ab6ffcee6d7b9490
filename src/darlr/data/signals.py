"""Several signals of feedback, and the reward that is their weighted sum."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from darlr.errors import InputError
from darlr.text import brief

Signals = Mapping[str, NDArray[np.float32]]
"""Name -> (n,) the signal in each row of a log."""

LARGEST_WEIGHT = 1e6


def weights_of(said: Sequence[str], key: str) -> dict[str, float]:
    """Return signal -> weight for texts such as `like=2`.

    Args:
        said: the value of a setting.
        key: the setting, for messages.

    Raises:
        InputError: for a text of another form, a weight of 0 or beyond the limits, and a signal that is named twice.
    """
    weights: dict[str, float] = {}
    for text in said:
        name, separator, number = text.partition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if not (name.strip() and separator and 0 < abs(weight) <= LARGEST_WEIGHT):
            raise InputError(
                f"key '{key}' has {brief(text)}; expected SIGNAL=WEIGHT, as like=2, with a weight other than 0 of at most "
                f"{LARGEST_WEIGHT:g}"
            )
        if name.strip() in weights:
            raise InputError(f"key '{key}' names the signal '{name.strip()}' twice; expected each once")
        weights[name.strip()] = weight
    return weights


def weighted_sum(signals: Signals, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Return (n,) the rewards of rows with `signals`."""
    columns = [weight * signals[name].astype(np.float64) for name, weight in weights.items()]
    return np.asarray(np.sum(columns, axis=0), np.float64)
