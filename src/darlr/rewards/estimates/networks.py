"""Estimates of any world model, above all of networks, computed on request."""

from typing import Literal

import torch
from torch import Tensor

from darlr.rewards.estimates.interface import Estimates
from darlr.world_model.ensemble import EnsembleModel
from darlr.world_model.model import WorldModel

PAIRED = 64
"""The number of pairs that are predicted at once by a model that predicts all pairs of users and items. It is small,
because most of these pairs are not asked for.
"""


class ModelEstimates(Estimates):
    """The estimates of `WorldModel.predict`, or their uncertainty."""

    def __init__(self, model: WorldModel, users: Tensor, items: Tensor, part: Literal["reward", "uncertainty"]) -> None:
        """
        Args:
            model: the world model.
            users: (n_users,) indices into the log's vocabulary, the world's rows.
            items: (n_items,) indices into the log's vocabulary, the world's columns.
            part: the estimates, or their uncertainty.
        """
        self._model, self._users, self._items = model, users, items
        self._part = ("reward", "uncertainty").index(part)
        self.n_users, self.n_items, self.device = len(users), len(items), users.device

    def cells(self, users: Tensor, items: Tensor) -> Tensor:
        users, items = torch.broadcast_tensors(users, items)  # type: ignore[no-untyped-call]
        parts = zip(torch.split(users.flatten(), PAIRED), torch.split(items.flatten(), PAIRED), strict=True)
        return torch.cat([self._pairs(*part) for part in parts]).view(users.shape)

    def _pairs(self, users: Tensor, items: Tensor) -> Tensor:
        """Return (n,) numbers of n pairs, selected from all pairs of the distinct users and items among them."""
        rows, row = torch.unique(users, return_inverse=True)
        columns, column = torch.unique(items, return_inverse=True)
        return self._model.predict(self._users[rows], self._items[columns])[self._part][row, column]

    def rows(self, users: Tensor) -> Tensor:
        return self._model.predict(self._users[users], self._items)[self._part]


class NetworkEstimates(ModelEstimates):
    """The estimates of a DeepFM ensemble, which can predict single pairs."""

    def __init__(self, model: EnsembleModel, users: Tensor, items: Tensor) -> None:
        super().__init__(model, users, items, "reward")
        self._network = model

    def cells(self, users: Tensor, items: Tensor) -> Tensor:
        users, items = torch.broadcast_tensors(users, items)  # type: ignore[no-untyped-call]
        return self._network.expected(self._users[users.flatten()], self._items[items.flatten()]).view(users.shape)
