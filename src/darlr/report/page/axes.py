"""Axes of a panel: their limits, and ticks at round numbers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Steps between ticks, but for a power of ten."""

SMALLEST = 1e-12
"""Values that differ by less, relatively to the larger of them and 1, are drawn as the same."""


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high` > `low`; `ticks`: where, and what is written there."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float, length: float) -> float:
        """How far from its beginning the `value` lies on an axis of this length."""
        return (value - self.low) / (self.high - self.low) * length


def numbers(label: str, low: float, high: float, most: int = 6, whole: bool = False) -> Axis:
    """An axis with at most `most` ticks at round numbers (whole ones alone, if so wished)."""
    step = _step(max(1.0, (high - low) / most), (1.0, 2.0, 5.0, 10.0)) if whole else _step((high - low) / most, ROUND)
    decimals = next(digits for digits in range(20) if math.isclose(step * 10**digits, round(step * 10**digits), rel_tol=1e-9))
    multiples = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return Axis(label, low, high, tuple((multiple * step, f"{multiple * step:,.{decimals}f}") for multiple in multiples))


def names(label: str, texts: Sequence[str]) -> Axis:
    """An axis whose places 0, 1, ... have names."""
    return Axis(label, -0.5, len(texts) - 0.5, tuple(enumerate(texts)))


def limits(values: Iterable[float], spreads: Iterable[float] = (), beyond: float = 2.0) -> tuple[float, float]:
    """Where an axis begins and ends that shows `values`, and of their `spreads` (ends of intervals) as much as is sensible.

    An interval that reaches beyond the values by more than `beyond` their range, as that of two seeds may, leaves the picture.
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
    """The smallest number that is no smaller and one of `factors`, but for a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return power * next(factor for factor in factors if factor * power >= least * (1 - 1e-9))
