"""Writing of long tables piece by piece, and random draws for them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

PIECE = 2_000_000  # rows that are turned into text at a time, which bounds the memory

Integers = NDArray[np.int64]


def write_pieces(path: Path, n: int, rows: Callable[[slice], pl.DataFrame]) -> None:
    """Write a CSV file of `n` rows with a header; `rows` returns the rows of a slice."""
    with path.open("wb") as file:
        for start in range(0, n, PIECE):
            rows(slice(start, min(start + PIECE, n))).write_csv(file, include_header=start == 0)


def draw_weighted(weights: NDArray[np.float64], n: int, random: np.random.Generator) -> Integers:
    """(n,) positions, each drawn in proportion to its weight."""
    bounds = np.cumsum(weights)
    last = np.int64(np.flatnonzero(weights)[-1])
    positions: Integers = np.searchsorted(bounds, random.random(n) * bounds[-1], side="right").astype(np.int64)
    return np.minimum(positions, last)


def deal(total: int, weights: NDArray[np.float64], random: np.random.Generator, most: int | None = None) -> Integers:
    """Divide `total` into (len(weights),) parts in proportion to the weights, each at most `most`."""
    counts = random.multinomial(total, weights / weights.sum()).astype(np.int64)
    while most is not None and counts.max() > most:
        over = int(np.maximum(counts - most, 0).sum())
        counts = np.minimum(counts, most)
        open_weights = np.where(counts < most, weights, 0)
        counts += random.multinomial(over, open_weights / open_weights.sum())
    return counts


def rank_within(groups: Integers, order: Integers) -> Integers:
    """Return (n,) every row's position in its group, where `order` sorts rows by group and then as wanted."""
    first = np.flatnonzero(np.diff(groups[order], prepend=-1))
    sizes = np.diff(np.append(first, len(groups)))
    ranks = np.empty(len(groups), np.int64)
    ranks[order] = np.arange(len(groups)) - np.repeat(first, sizes)
    return ranks


def dominant(liked: dict[int, int], share: float = 0.8) -> tuple[int, ...]:
    """Return the leading tags, most liked first, as long as they have together at most `share` of all likes; at least one."""
    total = sum(liked.values())
    taken: list[int] = []
    seen = 0
    for tag, count in sorted(liked.items(), key=lambda entry: (-entry[1], entry[0])):
        seen += count
        if taken and seen > share * total:
            break
        taken.append(tag)
    return tuple(taken)


def count_tags(items: Integers, tags: dict[int, tuple[int, ...]]) -> dict[int, int]:
    """Count each tag in rows with these raw item ids, once for each of an item's tags."""
    found: dict[int, int] = {}
    for item, count in zip(*np.unique(items, return_counts=True), strict=True):
        for tag in tags[int(item)]:
            found[tag] = found.get(tag, 0) + int(count)
    return found
