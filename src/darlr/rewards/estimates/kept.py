"""Estimates that are stored in a table."""

from torch import Tensor

from darlr.rewards.estimates.interface import Estimates


class KeptEstimates(Estimates):
    """A table (n_users, n_items), which is not copied."""

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
    """Return `given`, wrapped if it is a table (n_users, n_items)."""
    return KeptEstimates(given) if isinstance(given, Tensor) else given
