"""Raw ids and their positions."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.log import Ids, text_ids


@dataclass(frozen=True)
class Vocabulary:
    """The n distinct raw ids of users, items or categories; a position is an index into them.

    Attributes:
        ids: (n,) int64 if every id is a plain integer (no sign but -, no leading zeros), else text.
        texts: (n,) the same ids as text, which are matched with files.
    """

    ids: Ids
    texts: pl.Series

    def __len__(self) -> int:
        return len(self.texts)

    @classmethod
    def union(cls, *columns: pl.Series) -> "Vocabulary":
        """Return the ids that occur in any of the text columns, ascending."""
        texts = pl.concat([column.rename("id") for column in columns]).unique()
        numbers = texts.cast(pl.Int64, strict=False)
        if texts.str.contains(r"^(0|-?[1-9][0-9]*)$").all() and numbers.is_not_null().all():
            numbers = numbers.sort()
            return cls(numbers.to_numpy().copy(), numbers.cast(pl.String))
        texts = texts.sort()
        return cls(text_ids(texts), texts)

    @classmethod
    def of(cls, ids: Ids) -> "Vocabulary":
        """Return the ids (n,) of a log, in their own order."""
        return cls(ids, pl.Series("id", ids.tolist()).cast(pl.String))

    def find(self, texts: pl.Series) -> NDArray[np.int64]:
        """Return (m,) the position of every text, -1 if it is unknown."""
        positions = pl.Series(np.arange(len(self)))
        return texts.replace_strict(self.texts, positions, default=-1, return_dtype=pl.Int64).to_numpy().copy()
