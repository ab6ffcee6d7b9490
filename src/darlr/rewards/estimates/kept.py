"""Estimates that are kept in a table."""

from torch import Tensor

from darlr.rewards.estimates.interface import Estimates


class KeptEstimates(Estimates):
    """A table (n_users, n_items) of which no copy is made."""

    def __init__(self, table: Tensor) -> None:
        self._table = table
        self.n_users, self.n_items = table.shape
        self.device = table.device

    def cells(self, users: Tensor, items: Tensor) -> Tensor:
        return self._table[users, items]

    def rows(self, users: Tensor) -> Tensor:
        return self._table[users]

    def table(self) -> Tensor:
        return self._table

    def _block(self, place: slice) -> Tensor:
        return self._table[place]

    def means(self) -> Tensor:
        return self._table.mean(dim=1)

    def bounds(self) -> tuple[float, float]:
        return float(self._table.min()), float(self._table.max())


def estimates_of(given: Estimates | Tensor) -> Estimates:
    """`given`, or the table (n_users, n_items) that it is."""
    return KeptEstimates(given) if isinstance(given, Tensor) else given
