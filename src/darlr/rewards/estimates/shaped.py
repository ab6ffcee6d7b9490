"""Estimates averaged over each user's nearest users (ROLeR), computed on request."""

import torch
from torch import Tensor

from darlr.rewards.estimates.interface import CELLS_AT_ONCE, Estimates


class NeighbourSums(Estimates):
    """Weighted sums of the estimates of each user's k neighbours."""

    def __init__(self, base: Estimates, neighbours: Tensor, weights: Tensor) -> None:
        """
        Args:
            base: the estimates.
            neighbours, weights: (n_users, k).
        """
        self._base, self._neighbours, self._weights = base, neighbours, weights
        self.n_users, self.n_items, self.device = base.n_users, base.n_items, base.device

    def cells(self, users: Tensor, items: Tensor) -> Tensor:
        users, items = torch.broadcast_tensors(users, items)  # type: ignore[no-untyped-call]
        values = self._base.cells(self._neighbours[users], items.unsqueeze(-1))
        return self._of(values, self._weights[users], -1)

    def rows(self, users: Tensor) -> Tensor:
        step = max(1, CELLS_AT_ONCE // (self.n_items * self._neighbours.shape[1]))
        return torch.cat([self._rows(part) for part in torch.split(users, step)])

    def _rows(self, users: Tensor) -> Tensor:
        neighbours = self._neighbours[users]
        values = self._base.rows(neighbours.flatten()).view(*neighbours.shape, self.n_items)
        return self._of(values, self._weights[users].unsqueeze(-1), 1)

    def _of(self, values: Tensor, weights: Tensor, dim: int) -> Tensor:
        """Combine the neighbours' `values`, which lie along `dim`."""
        return (values * weights).sum(dim=dim)

    def bounds(self) -> tuple[float, float]:
        low, high = self._base.bounds()
        positive, negative = self._weights.clamp(min=0).sum(dim=1), self._weights.clamp(max=0).sum(dim=1)
        return float((positive * low + negative * high).min()), float((positive * high + negative * low).max())


class NeighbourVariances(NeighbourSums):
    """Variances of the estimates over each user's k neighbours."""

    def _of(self, values: Tensor, weights: Tensor, dim: int) -> Tensor:
        return values.var(dim=dim, correction=0)

    def bounds(self) -> tuple[float, float]:
        low, high = self._base.bounds()
        return 0.0, (high - low) ** 2 / 4  # of numbers between two ends (Popoviciu)


class UserNumbers(Estimates):
    """One number for each user, the same for all items."""

    def __init__(self, numbers: Tensor, n_items: int) -> None:
        """
        Args:
            numbers: (n_users,).
        """
        self._numbers = numbers
        self.n_users, self.n_items, self.device = len(numbers), n_items, numbers.device

    def cells(self, users: Tensor, items: Tensor) -> Tensor:
        users, _ = torch.broadcast_tensors(users, items)  # type: ignore[no-untyped-call]
        return self._numbers[users]

    def rows(self, users: Tensor) -> Tensor:
        return self._numbers[users, None].expand(-1, self.n_items)

    def bounds(self) -> tuple[float, float]:
        return float(self._numbers.min()), float(self._numbers.max())
