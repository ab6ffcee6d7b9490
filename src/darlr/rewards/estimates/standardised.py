"""Estimates in units of their spread, computed on request."""

from torch import Tensor

from darlr.rewards.estimates.interface import Estimates


class StandardisedEstimates(Estimates):
    """(`estimate` - centre) / spread."""

    def __init__(self, estimate: Estimates, centre: float, spread: float) -> None:
        self._estimate, self._centre, self._spread = estimate, centre, spread
        self.n_users, self.n_items, self.device = estimate.n_users, estimate.n_items, estimate.device

    def cells(self, users: Tensor, items: Tensor) -> Tensor:
        return (self._estimate.cells(users, items) - self._centre) / self._spread

    def rows(self, users: Tensor) -> Tensor:
        return (self._estimate.rows(users) - self._centre) / self._spread
