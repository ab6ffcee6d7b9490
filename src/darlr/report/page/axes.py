"""Axes of a panel: their limits, and ticks at round numbers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Steps between ticks, up to a power of ten."""

SMALLEST = 1e-12
"""The least difference of values, relative to the larger of them and 1, that is drawn."""


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high` > `low`; `ticks`: their places and texts."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float, length: float) -> float:
        """Return the distance of `value` from the beginning of an axis of this length."""
        return (value - self.low) / (self.high - self.low) * length


def numbers(label: str, low: float, high: float, most: int = 6, whole: bool = False) -> Axis:
    """Make an axis with at most `most` ticks at round numbers (optionally whole ones only)."""
    step = _step(max(1.0, (high - low) / most), (1.0, 2.0, 5.0, 10.0)) if whole else _step((high - low) / most, ROUND)
    decimals = next(digits for digits in range(20) if math.isclose(step * 10**digits, round(step * 10**digits), rel_tol=1e-9))
    multiples = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return Axis(label, low, high, tuple((multiple * step, f"{multiple * step:,.{decimals}f}") for multiple in multiples))


def names(label: str, texts: Sequence[str]) -> Axis:
    """Make an axis whose places 0, 1, ... have names."""
    return Axis(label, -0.5, len(texts) - 0.5, tuple(enumerate(texts)))


def limits(values: Iterable[float], spreads: Iterable[float] = (), beyond: float = 2.0) -> tuple[float, float]:
    """Return the limits of an axis that shows `values`, and a sensible part of their `spreads` (ends of intervals).

    An interval that exceeds the values by more than `beyond` times their range, as that of two seeds may, is cut off.
    """
    shown = list(values)
    low, high = min(shown), max(shown)
    least = SMALLEST * max(1.0, abs(low), abs(high))
    extent = high - low if high - low > least else 0.1 * abs(high) if abs(high) > least else 1.0
    ends = [*spreads, *shown]
    low, high = max(min(ends), low - beyond * extent), min(max(ends), high + beyond * extent)
    room = 0.08 * (high - low if high - low > least else extent)
    return low - room, high + room


def _step(least: float, factors: Sequence[float]) -> float:
    """Return the smallest number of at least `least` that is one of `factors` times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return power * next(factor for factor in factors if factor * power >= least * (1 - 1e-9))
