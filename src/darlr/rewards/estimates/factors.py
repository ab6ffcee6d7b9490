"""Estimates of a factor model, computed on request: values from posterior means, variances from covariances."""

import torch
from torch import Tensor

from darlr.rewards.estimates.interface import Estimates
from darlr.world_model.factors.model import FactorModel


class FactorEstimates(Estimates):
    """The rewards that users are expected to give (`FactorModel.predict`); the cost of a pair is one product for each
    factor.
    """

    def __init__(self, model: FactorModel, users: Tensor, items: Tensor) -> None:
        """
        Args:
            model: the factor model.
            users: (n_users,) indices into the log's vocabulary, the world's rows.
            items: (n_items,) indices into the log's vocabulary, the world's columns.
        """
        self._responses = model.responses.of(users, items)
        self.n_users, self.n_items, self.device = len(users), len(items), users.device

    def cells(self, users: Tensor, items: Tensor) -> Tensor:
        of = self._responses
        return of.to_reward(of.intercepts[items] + (of.loadings[items] * of.user_means[users]).sum(dim=-1))

    def rows(self, users: Tensor) -> Tensor:
        of = self._responses
        return of.to_reward(torch.addmm(of.intercepts, of.user_means[users], of.loadings.T))

    def bounds(self) -> tuple[float, float]:
        return self._responses.scale.low, self._responses.scale.high  # estimates are clipped to these


class FactorUncertainty(Estimates):
    """The uncertainty of a factor model's estimates, as a variance (`FactorModel.predict`)."""

    def __init__(self, model: FactorModel, users: Tensor, items: Tensor) -> None:
        """
        Args:
            model, users, items: see `FactorEstimates`.
        """
        self._model, self._users, self._items = model, users, items
        self.n_users, self.n_items, self.device = len(users), len(items), users.device

    def cells(self, users: Tensor, items: Tensor) -> Tensor:
        return self._model.uncertainty(self._users[users], self._items[items])

    def rows(self, users: Tensor) -> Tensor:
        return self._model.predict(self._users[users], self._items)[1]

    def bounds(self) -> tuple[float, float]:
        return 0.0, self._model.most_uncertain(self._users, self._items)
