"""Counts over many millions of rows with little extra memory: the rows are processed in parts."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

AT_ONCE = 1 << 24
"""The number of rows whose pairs are sorted at once, at 8 bytes each and as much again."""

Whole = NDArray[np.integer]


def first_repeat(first: Whole, second: Whole) -> tuple[int, int] | None:
    """Return the first row whose pair occurs in an earlier row, and the earliest such row; None if all pairs differ.

    Args:
        first, second: (n,) whole numbers of 0 or more.
    """
    found = [repeat for rows, keys in ranges(first, second) if (repeat := _repeat_within(rows, keys)) is not None]
    return min(found, default=None)


def count_distinct(first: Whole, second: Whole) -> int:
    """Return the number of different pairs of `first` (n,) and `second` (n,)."""
    return sum(_distinct(np.sort(keys)) for _, keys in ranges(first, second))


def distinct(first: Whole, second: Whole, width: int) -> NDArray[np.int64]:
    """Return (m,) the different pairs as first * width + second, rising; `second` lies in 0..width-1."""
    found, end = np.empty(len(first), np.int64), 0
    for _, keys in ranges(first, second, width):
        keys.sort()
        new = keys[np.diff(keys, prepend=-1) > 0]  # np.unique is many times slower on millions of rows
        found[end : end + len(new)] = new
        end += len(new)
    return found[:end]


def count_each(values: Whole, size: int) -> NDArray[np.int64]:
    """Return (size,) how often each of 0..size-1 occurs among `values` (n,)."""
    counts = np.zeros(size, np.int64)
    for part in np.array_split(values, 1 + len(values) // AT_ONCE):  # numpy converts each part to 64 bits
        counts += np.bincount(part, minlength=size)
    return counts


def count_partners(first: Whole, second: Whole, size: int) -> NDArray[np.int64]:
    """Return (size,) the number of different values of `first` (n,) with which each of 0..size-1 occurs in `second` (n,)."""
    counts = np.zeros(size, np.int64)
    for _, keys in ranges(first, second, size):
        keys.sort()
        counts += np.bincount(keys[np.diff(keys, prepend=-1) > 0] % size, minlength=size)
    return counts


def sum_each(values: Whole, size: int, weights: Callable[[slice], NDArray[np.floating]]) -> NDArray[np.float64]:
    """Return (size,) the sum of the weights of the rows in which each of 0..size-1 occurs among `values` (n,), added row by
    row.

    Args:
        values: (n,) whole numbers.
        size: number of different values.
        weights: returns the weights of the rows of a slice, in double or single precision.
    """
    sums = np.zeros(size)
    for start in range(0, len(values), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        np.add.at(sums, values[rows], weights(rows).astype(np.float64))
    return sums


def _distinct(keys: NDArray[np.int64]) -> int:
    return len(keys) and 1 + int(np.count_nonzero(keys[1:] != keys[:-1]))


def ranges(
    first: Whole, second: Whole, width: int | None = None
) -> Iterator[tuple[NDArray[np.intp] | None, NDArray[np.int64]]]:
    """Yield (rows, their pairs as whole numbers) for one range of `first` (n,) after the other; rows is None if all are in one.

    A pair is first * width + second, where `second` (n,) lies in 0..width-1. All rows of a pair are in one range, in their
    order.
    """
    if len(first) == 0:
        return
    width = int(second.max()) + 1 if width is None else width
    if len(first) <= AT_ONCE:
        yield None, first.astype(np.int64) * width + second
        return
    ends = np.cumsum(count_each(first, int(first.max()) + 1))
    low = 0
    while low < len(ends):
        before = int(ends[low - 1]) if low else 0
        high = max(low + 1, int(np.searchsorted(ends, before + AT_ONCE, side="right")))
        rows = np.flatnonzero((first >= low) & (first < high))
        if len(rows):
            yield rows, first[rows].astype(np.int64) * width + second[rows]
        low = high


def _repeat_within(rows: NDArray[np.intp] | None, keys: NDArray[np.int64]) -> tuple[int, int] | None:
    if _distinct(np.sort(keys)) == len(keys):
        return None
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    later = int(order[1:][ranked[1:] == ranked[:-1]].min())
    earlier = int(np.argmax(keys == keys[later]))
    return (later, earlier) if rows is None else (int(rows[later]), int(rows[earlier]))
