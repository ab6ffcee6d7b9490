"""Estimates minus their uncertainty (Eq. 4)."""

from torch import Tensor

from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import KeptEstimates


class PenalisedEstimates(Estimates):
    """`estimate` - weight * `uncertainty`, computed on request."""

    def __init__(self, estimate: Estimates, uncertainty: Estimates, weight: float) -> None:
        self._estimate, self._uncertainty, self._weight = estimate, uncertainty, weight
        self.n_users, self.n_items, self.device = estimate.n_users, estimate.n_items, estimate.device

    def cells(self, users: Tensor, items: Tensor) -> Tensor:
        return self._estimate.cells(users, items) - self._weight * self._uncertainty.cells(users, items)

    def rows(self, users: Tensor) -> Tensor:
        return (self._uncertainty.rows(users) * -self._weight).add_(self._estimate.rows(users))


def penalised(estimate: Estimates, uncertainty: Estimates, weight: float) -> Estimates:
    """Return `estimate` - `weight` * `uncertainty`; a table if `estimate` is a table."""
    if isinstance(estimate, KeptEstimates):
        return KeptEstimates((uncertainty.table() * -weight).add_(estimate.table()))  # one matrix is made, not two
    return PenalisedEstimates(estimate, uncertainty, weight)
