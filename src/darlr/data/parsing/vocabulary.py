"""The raw ids that stand in tables, and their positions."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.ids import PLAIN_INTEGER, KnownIds


class Vocabulary(KnownIds):
    """The n distinct raw ids of users, items or categories; a position is an index into them."""

    @classmethod
    def union(cls, *columns: pl.Series) -> "Vocabulary":
        """The ids that stand in any of the text columns, ascending."""
        texts = pl.concat([column.rename("id") for column in columns]).unique()
        numbers = texts.cast(pl.Int64, strict=False)
        if texts.str.contains(PLAIN_INTEGER).all() and numbers.is_not_null().all():
            numbers = numbers.sort()
            return cls(numbers.to_numpy().copy(), numbers.cast(pl.String))
        texts = texts.sort()
        return cls(np.array(texts.to_list(), dtype=np.str_), texts)

    def find(self, texts: pl.Series) -> NDArray[np.int64]:
        """(m,) position of every text, -1 where it is unknown."""
        positions = pl.Series(np.arange(len(self)))
        return texts.replace_strict(self.texts, positions, default=-1, return_dtype=pl.Int64).to_numpy().copy()
