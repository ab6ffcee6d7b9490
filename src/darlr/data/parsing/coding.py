"""Columns as whole numbers that represent their distinct values, of which there are far fewer than rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

PART = 1 << 21
MOST_SLOTS, SLOTS_OF_ROW = 1 << 25, 8
"""The largest span of integers, in all and for each row, that is looked up in a table by value."""


@dataclass(frozen=True)
class Coded:
    """A column of n cells.

    Attributes:
        values: (d,) its distinct values that are not blank, in the order of their first rows.
        codes: (n,) int32, the position of every cell's value; -1 for a blank cell.
    """

    values: pl.Series
    codes: NDArray[np.int32]

    @classmethod
    def of(cls, dtype: pl.DataType, rows: int, pieces: Iterable[pl.Series]) -> Self:
        """Code the column of type `dtype` whose `rows` cells are in `pieces`."""
        codes = np.empty(rows, np.int32)
        known: _Slots | _Joined = _Joined(dtype)
        if dtype.is_integer() and dtype != pl.UInt64:
            known = _Slots(dtype, min(MOST_SLOTS, SLOTS_OF_ROW * rows))
        start = 0
        for piece in pieces:
            if isinstance(known, _Slots) and not known.take_in(piece):
                known = _Joined(dtype, known.values())
            codes[start : start + len(piece)] = known.codes(piece)
            start += len(piece)
        return cls(known.values(), codes)

    def first(self, chosen: NDArray[np.bool_]) -> int:
        """Return the first row whose cell is blank or has one of the `chosen` (d,) values; there must be one."""
        return int(np.argmax(np.append(chosen, True)[self.codes]))

    def rows(self, chosen: NDArray[np.bool_]) -> int:
        """Return the number of rows with one of the `chosen` (d,) values."""
        marked = np.append(chosen, False)
        return sum(int(np.count_nonzero(marked[part])) for part in self._parts())

    def become(self, positions: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return (n,) the `positions` (d,) of every cell's value, written over the codes to save memory."""
        for part in self._parts():
            part[:] = positions[part]
        return self.codes

    def _parts(self) -> list[NDArray[np.int32]]:
        """Return views of the codes, for work that needs more than a few bytes for each cell."""
        return np.array_split(self.codes, 1 + len(self.codes) // PART)


class _Slots:
    """Integers within a small span, each with a slot for its code."""

    def __init__(self, dtype: pl.DataType, most: int) -> None:
        """
        Args:
            dtype: type of the column.
            most: the largest number of slots.
        """
        self._dtype, self._most = dtype, most
        self._low = 0
        self._slots = np.zeros(0, np.int32)
        self._order: list[NDArray[np.int64]] = []
        self._known = 0

    def take_in(self, piece: pl.Series) -> bool:
        """Make slots for all integers of `piece`; return False, and do nothing, if their span is too large."""
        low, high = piece.min(), piece.max()
        if low is None or high is None:
            return True
        if len(self._slots):
            low, high = min(int(low), self._low), max(int(high), self._low + len(self._slots) - 1)  # type: ignore[arg-type]
        width = int(high) - int(low) + 1  # type: ignore[arg-type]
        if width > self._most:
            return False
        if width > len(self._slots):
            width = min(self._most, max(width, 2 * len(self._slots)))
            slots = np.full(width, -1, np.int32)
            start = self._low - int(low) if len(self._slots) else 0  # type: ignore[arg-type]
            slots[start : start + len(self._slots)] = self._slots
            self._slots, self._low = slots, int(low)  # type: ignore[arg-type]
        return True

    def codes(self, piece: pl.Series) -> NDArray[np.int32]:
        if not len(self._slots):  # all cells so far are blank
            return np.full(len(piece), -1, np.int32)
        blank = piece.is_null().to_numpy() if piece.null_count() else None
        places = piece.fill_null(self._low).cast(pl.Int64).to_numpy() - self._low
        codes: NDArray[np.int32] = self._slots[places]
        unknown = codes < 0
        if blank is not None:
            unknown &= ~blank
        if unknown.any():
            fresh: NDArray[np.int64] = pl.Series(places[unknown]).unique(maintain_order=True).to_numpy()
            self._slots[fresh] = np.arange(self._known, self._known + len(fresh), dtype=np.int32)
            self._known += len(fresh)
            self._order.append(fresh + self._low)
            codes = self._slots[places]
        if blank is not None:
            codes[blank] = -1
        return codes

    def values(self) -> pl.Series:
        return pl.Series(np.concatenate([np.zeros(0, np.int64), *self._order])).cast(self._dtype)


class _Joined:
    """Values of any kind, found by their hashes."""

    def __init__(self, dtype: pl.DataType, values: pl.Series | None = None) -> None:
        self._known = pl.Series("value", [] if values is None else values, dtype=dtype)

    def codes(self, piece: pl.Series) -> NDArray[np.int32]:
        found = self._find(piece)
        lacking = piece.filter(found.is_null() & piece.is_not_null())
        if len(lacking):
            self._known = pl.concat([self._known, lacking.unique(maintain_order=True).rename("value")])
            found = self._find(piece)
        codes: NDArray[np.int32] = found.fill_null(-1).to_numpy()
        return codes

    def _find(self, piece: pl.Series) -> pl.Series:
        known = pl.DataFrame({"value": self._known, "code": np.arange(len(self._known), dtype=np.int32)})
        rows = pl.DataFrame({"value": piece})
        return rows.join(known, on="value", how="left", maintain_order="left")["code"]

    def values(self) -> pl.Series:
        return self._known
