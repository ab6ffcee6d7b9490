"""The users' data in an exported policy: the rows that `Policy.average_user` names, for a batch of requests."""

import numpy as np
import torch
from torch import Tensor, nn

from darlr.agents.policy import Policy
from darlr.data.catalog import Features
from darlr.errors import InputError, RunError
from darlr.run.saved import SavedPolicy
from darlr.world_model.factors.model import FactorModel

LARGEST = 1_900_000_000
"""The largest number of bytes of these data; the format of an ONNX file ends at 2 GiB."""

_OF_FACTORS = {"user_means", "user_covariances", "user_vectors", "estimates", "prior", "ids"}
"""The rows that depend on a user's factors alone."""


class TabledUsers(nn.Module):
    """A row for each user of the log, then the average user's.

    Attributes:
        features: the number of features of an unknown user that it reads.
    """

    features = 0

    def __init__(self, tables: dict[str, Tensor]) -> None:
        """
        Args:
            tables: (U + 1, ...) by name.
        """
        super().__init__()
        self.names = list(tables)
        for name, table in tables.items():
            self.register_buffer(f"of_{name}", table)

    def forward(self, users: Tensor, features: Tensor | None) -> dict[str, Tensor]:
        """Return (B, ...) rows by name, of `users` (B,) in 0..U, where U is an unknown user."""
        return {name: self.get_buffer(f"of_{name}")[users] for name in self.names}


class FactorUsers(nn.Module):
    """Users by the posteriors of their factors, which determine all their rows: the log's, the average one, and new ones.

    An unknown user is the average user if nothing is known, and otherwise has the world model's prior for users with such
    features (`Population.prior_of`).

    Attributes:
        features: F, the number of columns of the world model's regression on users' features; 0 if their meaning is unknown.
    """

    means: Tensor
    covariances: Tensor
    centre: Tensor
    weights: Tensor
    column_means: Tensor
    prior: Tensor

    def __init__(self, saved: SavedPolicy, model: FactorModel, described: Features | None) -> None:
        """
        Args:
            saved: the saved policy.
            model: its world model.
            described: features of no users, which give the meaning of the columns; None if the run lacks them.
        """
        super().__init__()
        users = model.users
        self.features = 0 if described is None else len(users.column_means)
        self._saved = saved
        for name in ("means", "covariances"):
            table = getattr(users, name)
            self.register_buffer(name, torch.cat([table, torch.zeros_like(table[:1])]))
        for name in ("centre", "weights", "column_means", "prior"):
            self.register_buffer(name, getattr(users, name))

    def forward(self, users: Tensor, features: Tensor | None) -> dict[str, Tensor]:
        """Return (B, ...) rows by name.

        Args:
            users: (B,) in 0..U, where U is an unknown user.
            features: (B, F) float32 of unknown users, not centred, NaN where unknown; None without any features.
        """
        unknown = users == self.means.shape[0] - 1
        means, covariances, average = self.means[users], self.covariances[users], unknown
        if features is not None:
            told = ~torch.isnan(features)
            described = unknown & told.any(dim=1)
            centred = torch.where(told, features.double() - self.column_means, 0.0)
            means = torch.where(described[:, None], (self.centre + centred @ self.weights).float(), means)
            covariances = torch.where(described[:, None, None], self.prior.float(), covariances)
            average = unknown & ~described
        rows = self._saved.newcomer_rows(means, covariances)
        if "ids" in rows:
            rows["ids"] = torch.where(unknown, -1, users)
        means_of_all = self._saved.average_user
        return {name: torch.where(_beside(average, row), means_of_all[name], row) for name, row in rows.items()}


def _beside(chosen: Tensor, row: Tensor) -> Tensor:
    """Return `chosen` (B,) with as many dimensions as `row` (B, ...)."""
    return chosen.view(-1, *[1] * (row.ndim - 1))


def users_of(saved: SavedPolicy, described: Features | None) -> TabledUsers | FactorUsers:
    """Return the users of a saved policy.

    Args:
        saved: the saved policy.
        described: as in `FactorUsers`.

    Raises:
        InputError: if their rows do not fit into a file.
    """
    names = set(saved.average_user)
    if names and names <= _OF_FACTORS and isinstance(saved.model, FactorModel):
        return FactorUsers(saved, saved.model, described)
    n = len(saved.user_ids)
    size = sum(row.nbytes for row in saved.average_user.values()) * (n + 1)
    if size > LARGEST:
        raise InputError(
            f"the policy holds {size / 1e9:.1f} GB of its {n:,} users, and an ONNX file holds 2 GB; "
            "expected fewer users or items, or a world model of the kind 'factors', which needs no table of them"
        )
    policy = saved.network(np.arange(n) if names else np.zeros(0, np.int64))
    tables = {name: policy.get_buffer(place).detach() for name, place in row_places(policy, saved).items()}
    if any(len(table) <= n for table in tables.values()):
        raise InputError(
            f"the policy computes estimates of its {n:,} users on request, and an ONNX file needs a table of them; expected a "
            "world model of the kind 'factors', or at most reward.table_cells pairs of users and items"
        )
    return TabledUsers(tables)


def row_places(policy: Policy, saved: SavedPolicy) -> dict[str, str]:
    """Return where `policy` keeps the rows of its users: the dotted name of a buffer for each name in `average_user`."""
    places = {}
    for name in saved.average_user:
        found = [place for place, _ in policy.named_buffers() if place.rpartition(".")[2] == name]
        if len(found) != 1:
            raise RunError(f"a {type(policy).__name__} keeps its users' '{name}' in {len(found)} buffers; expected one")
        places[name] = found[0]
    return places
