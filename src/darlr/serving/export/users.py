"""What an exported policy looks up of its users: the rows that `Policy.average_user` names, for a batch of requests."""

import numpy as np
import torch
from torch import Tensor, nn

from darlr.agents.policy import Policy
from darlr.errors import InputError, RunError
from darlr.run.saved import SavedPolicy
from darlr.world_model.factors.model import FactorModel

LARGEST = 1_900_000_000
"""Bytes of an ONNX file, whose format ends at 2 GiB."""

_OF_FACTORS = {"user_means", "user_covariances", "user_vectors", "estimates", "prior", "ids"}
"""The rows that follow from a user's factors."""


class TabledUsers(nn.Module):
    """A row for each user of the log, then the average user's.

    Attributes:
        features: how many features of somebody unknown it reads.
    """

    features = 0

    def __init__(self, tables: dict[str, Tensor]) -> None:
        """Args: tables: (U + 1, ...) by name."""
        super().__init__()
        self.names = list(tables)
        for name, table in tables.items():
            self.register_buffer(f"of_{name}", table)

    def forward(self, users: Tensor, features: Tensor | None) -> dict[str, Tensor]:
        """(B, ...) rows by name, of `users` (B,) in 0..U, U for somebody unknown."""
        return {name: self.get_buffer(f"of_{name}")[users] for name in self.names}


class FactorUsers(nn.Module):
    """Users by the posteriors of their factors, from which all their rows follow; the log's, the average one, and new ones.

    Somebody unknown is the average user if nothing is told of them, and else has the prior that the world model gives to
    users with such features (`Population.prior_of`).

    Attributes:
        features: F, how many columns the world model's regression on users' features has.
    """

    means: Tensor
    covariances: Tensor
    intercepts: Tensor
    loadings: Tensor
    centre: Tensor
    weights: Tensor
    column_means: Tensor
    prior: Tensor

    def __init__(self, saved: SavedPolicy, model: FactorModel) -> None:
        super().__init__()
        users, items = model.users, torch.from_numpy(saved.world_items)
        self.features = len(users.column_means)
        self._responses, self._scale, self._names = model.responses.scale, model.scale, list(saved.average_user)
        means, covariances = (torch.cat([table, torch.zeros_like(table[:1])]) for table in (users.means, users.covariances))
        self.register_buffer("means", means)
        self.register_buffer("covariances", covariances)
        self.register_buffer("intercepts", model.responses.intercepts[items])
        self.register_buffer("loadings", model.responses.loadings[items])
        for name in ("centre", "weights", "column_means", "prior"):
            self.register_buffer(name, getattr(users, name))
        for name, row in saved.average_user.items():
            self.register_buffer(f"average_{name}", row)

    def forward(self, users: Tensor, features: Tensor | None) -> dict[str, Tensor]:
        """(B, ...) rows by name.

        Args:
            users: (B,) in 0..U, U for somebody unknown.
            features: (B, F) float32 of somebody unknown, not centred, NaN where nothing is known; None without any features.
        """
        unknown = users == len(self.means) - 1
        means, covariances, average = self.means[users], self.covariances[users], unknown
        if features is not None:
            told = ~torch.isnan(features)
            described = unknown & told.any(dim=1)
            centred = torch.where(told, features.double() - self.column_means, 0.0)
            means = torch.where(described[:, None], (self.centre + centred @ self.weights).float(), means)
            covariances = torch.where(described[:, None, None], self.prior.float(), covariances)
            average = unknown & ~described
        rows = {}
        for name in self._names:
            own, mean = self._own(name, users, unknown, means, covariances), self.get_buffer(f"average_{name}")
            rows[name] = torch.where(average.view(-1, *[1] * (mean.ndim - 1)), mean, own)
        return rows

    def _own(self, name: str, users: Tensor, unknown: Tensor, means: Tensor, covariances: Tensor) -> Tensor:
        """(B, ...) the rows of that name for users of factors N(`means` (B, d), `covariances` (B, d, d))."""
        if name in ("user_means", "user_vectors"):
            return means
        if name == "user_covariances":
            return covariances
        if name == "ids":
            return torch.where(unknown, -1, users)
        estimates = self._responses.to_reward(torch.addmm(self.intercepts, means, self.loadings.T))
        return estimates if name == "estimates" else (estimates - self._scale.centre) / self._scale.spread


def users_of(saved: SavedPolicy) -> TabledUsers | FactorUsers:
    """The users of a saved policy; raises `InputError` where their rows do not fit into a file."""
    names = set(saved.average_user)
    if names and names <= _OF_FACTORS and isinstance(saved.model, FactorModel):
        return FactorUsers(saved, saved.model)
    n = len(saved.user_ids)
    size = sum(row.nbytes for row in saved.average_user.values()) * (n + 1)
    if size > LARGEST:
        raise InputError(
            f"the policy holds {size / 1e9:.1f} GB of its {n:,} users, and an ONNX file holds 2 GB; "
            "expected fewer users or items, or a world model of the kind 'factors', which needs no table of them"
        )
    policy = saved.network(np.arange(n) if names else np.zeros(0, np.int64))
    return TabledUsers({name: policy.get_buffer(place).detach() for name, place in row_places(policy, saved).items()})


def row_places(policy: Policy, saved: SavedPolicy) -> dict[str, str]:
    """Where `policy` keeps the rows of its users: the dotted name of a buffer for each name in `average_user`."""
    places = {}
    for name in saved.average_user:
        found = [place for place, _ in policy.named_buffers() if place.rpartition(".")[2] == name]
        if len(found) != 1:
            raise RunError(f"a {type(policy).__name__} keeps its users' '{name}' in {len(found)} buffers; expected one")
        places[name] = found[0]
    return places
