"""Statistics by item, and values normalised by them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darlr.data.parsing.features import standardise

Values = NDArray[np.float64]


@dataclass(frozen=True)
class ItemMoments:
    """Moments of the values of each of I items' rows in some table.

    Attributes:
        rows: (I,) number of rows.
        means: (I,) mean value; 0 without rows.
        squares: (I,) sum of squared differences from the mean.
    """

    rows: NDArray[np.int64]
    means: Values
    squares: Values

    @classmethod
    def of(cls, items: NDArray[np.int32], values: Values, n_items: int) -> "ItemMoments":
        """Compute the moments of the `values` (n,) of rows about `items` (n,)."""
        rows = np.bincount(items, minlength=n_items)
        means: Values = np.bincount(items, values, minlength=n_items) / np.maximum(rows, 1)
        squares: Values = np.bincount(items, np.square(values - means[items]), minlength=n_items).astype(np.float64)
        return cls(rows, means, squares)

    def merged(self, other: "ItemMoments") -> "ItemMoments":
        """Return the moments of both tables' rows together."""
        rows = self.rows + other.rows
        share = other.rows / np.maximum(rows, 1)
        difference = other.means - self.means
        means = self.means + difference * share
        squares = self.squares + other.squares + np.square(difference) * self.rows * share
        return ItemMoments(rows, means, squares)

    def z_scores(self, items: NDArray[np.int32], values: Values, highest: float) -> NDArray[np.float32]:
        """Return (n,) each row's value minus its item's mean, divided by its item's sample standard deviation, clipped at
        `highest`.

        The z-score is 0 if an item has one row alone, or the same value in all.
        """
        spreads = np.sqrt(self.squares / np.maximum(self.rows - 1, 1))
        scales = np.divide(1.0, spreads, out=np.zeros_like(spreads), where=spreads > 0)
        scores = values - self.means[items]
        scores *= scales[items]
        return np.minimum(scores, highest, out=scores).astype(np.float32)

    def standardised_means(self) -> NDArray[np.float32]:
        """Return (I,) the items' means as z-scores over the items that have rows; 0 for the others."""
        return standardise(np.where(self.rows > 0, self.means, np.nan))
