"""Statistics by item, and what is normalised by them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darlr.data.parsing.features import standardise

Values = NDArray[np.float64]


@dataclass(frozen=True)
class ItemMoments:
    """Of each of I items' rows in some table.

    Attributes:
        rows: (I,) how many there are.
        means: (I,) of a value over them; 0 without rows.
        squares: (I,) sum of squared differences from the mean.
    """

    rows: NDArray[np.int64]
    means: Values
    squares: Values

    @classmethod
    def of(cls, items: NDArray[np.int32], values: Values, n_items: int) -> "ItemMoments":
        """items, values: (n,) of the rows."""
        rows = np.bincount(items, minlength=n_items)
        means: Values = np.bincount(items, values, minlength=n_items) / np.maximum(rows, 1)
        squares: Values = np.bincount(items, np.square(values - means[items]), minlength=n_items).astype(np.float64)
        return cls(rows, means, squares)

    def merged(self, other: "ItemMoments") -> "ItemMoments":
        """Of both tables' rows together."""
        rows = self.rows + other.rows
        share = other.rows / np.maximum(rows, 1)
        difference = other.means - self.means
        means = self.means + difference * share
        squares = self.squares + other.squares + np.square(difference) * self.rows * share
        return ItemMoments(rows, means, squares)

    def z_scores(self, items: NDArray[np.int32], values: Values, highest: float) -> NDArray[np.float32]:
        """(n,) each row's value less its item's mean, over its item's sample standard deviation, cut at `highest` above.

        0 where an item has one row alone, or the same value in all.
        """
        spreads = np.sqrt(self.squares / np.maximum(self.rows - 1, 1))
        scales = np.divide(1.0, spreads, out=np.zeros_like(spreads), where=spreads > 0)
        scores = values - self.means[items]
        scores *= scales[items]
        return np.minimum(scores, highest, out=scores).astype(np.float32)

    def standardised_means(self) -> NDArray[np.float32]:
        """(I,) the items' means as z-scores over the items that have rows; 0 for the others."""
        return standardise(np.where(self.rows > 0, self.means, np.nan))
