"""A world model's estimates for the simulated world."""

import math
import warnings
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.rewards.estimates.factors import FactorEstimates, FactorUncertainty
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.estimates.networks import ModelEstimates, NetworkEstimates
from darlr.rewards.estimates.shaped import NeighbourSums, NeighbourVariances, UserNumbers
from darlr.rewards.nearest import CellSearch, find_nearest, unit_rows
from darlr.rewards.neighbours import STATISTICS, neighbour_weights, shape_by_neighbours
from darlr.rewards.settings import NeighbourConfig
from darlr.rewards.sketches import sketches
from darlr.world_model.ensemble import EnsembleModel
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.model import WorldModel


@dataclass(frozen=True)
class Predicted:
    """Estimated rewards of a world's users and items, and their uncertainty P_U.

    Attributes:
        rewards: (n_users, n_items) the rewards.
        uncertainty: (n_users, n_items) P_U.
        search: figures about the search for nearest users that they are averaged over, unless it was exact.
    """

    rewards: Estimates
    uncertainty: Estimates
    search: CellSearch | None = field(default=None, kw_only=True)

    @classmethod
    def of(
        cls,
        model: WorldModel,
        users: NDArray[np.int64],
        items: NDArray[np.int64],
        device: torch.device,
        most_cells: float = math.inf,
    ) -> Self:
        """Predict the world. With more than `most_cells` user-item pairs, estimates are computed on request, else stored in
        tables.

        Args:
            model: the world model.
            users: (n_users,) indices into the log's vocabulary.
            items: (n_items,) indices into the log's vocabulary.
            device: the device of the tables.
            most_cells: the largest table.
        """
        made = cls.kept if len(users) * len(items) <= most_cells else cls.asked
        return made(model, users, items, device)

    @classmethod
    def kept(cls, model: WorldModel, users: NDArray[np.int64], items: NDArray[np.int64], device: torch.device) -> Self:
        """Predict tables (n_users, n_items) of `users` and `items`, indices into the log's vocabularies."""
        tables = model.predict(torch.from_numpy(users).to(device), torch.from_numpy(items).to(device))
        return cls(*map(KeptEstimates, tables))

    @classmethod
    def asked(cls, model: WorldModel, users: NDArray[np.int64], items: NDArray[np.int64], device: torch.device) -> Self:
        """Make estimates (n_users, n_items) without tables; `model` predicts them on request."""
        world = torch.from_numpy(users).to(device), torch.from_numpy(items).to(device)
        if isinstance(model, FactorModel):
            return cls(FactorEstimates(model, *world), FactorUncertainty(model, *world))
        uncertainty = ModelEstimates(model, *world, "uncertainty")
        if isinstance(model, EnsembleModel):
            return cls(NetworkEstimates(model, *world), uncertainty)
        return cls(ModelEstimates(model, *world, "reward"), uncertainty)

    def shaped(self, config: NeighbourConfig) -> "Predicted":
        """Return the estimates averaged over each user's nearest users (ROLeR), if `neighbours.users` asks for it."""
        if not config.users:
            return self
        if not isinstance(self.rewards, KeptEstimates):
            return self._shaped_by_request(config)
        rewards, uncertainty, search = shape_by_neighbours(self.rewards.table(), self.uncertainty.table(), config)
        return Predicted(KeptEstimates(rewards), KeptEstimates(uncertainty), search=search)

    def _shaped_by_request(self, config: NeighbourConfig) -> "Predicted":
        nearest = find_nearest(unit_rows(sketches(self.rewards), config.centred), config.users, True, config)
        neighbours, cosines = nearest.users, nearest.cosines
        rewards = NeighbourSums(self.rewards, neighbours, neighbour_weights(cosines, config))
        return Predicted(rewards, self._shaped_uncertainty(config, neighbours, cosines), search=nearest.search)

    def _shaped_uncertainty(self, config: NeighbourConfig, neighbours: Tensor, cosines: Tensor) -> Estimates:
        if config.uncertainty == "model":
            return self.uncertainty
        if config.uncertainty == "variance":
            return NeighbourVariances(self.rewards, neighbours, cosines)
        none = config.uncertainty == "none"
        numbers = torch.zeros_like(cosines[:, 0]) if none else STATISTICS[config.uncertainty](1 - cosines)
        return UserNumbers(numbers, self.rewards.n_items)

    def corrected(self, truth: NDArray[np.float32] | None) -> "Predicted":
        """Replace the estimated rewards by true ones (n_users, n_items), if they are given (GT)."""
        if truth is None:
            return self
        return replace(self, rewards=KeptEstimates(borrowed(truth).to(self.rewards.device)))


def borrowed(rewards: NDArray[np.float32]) -> Tensor:
    """Return a tensor that shares the memory of `rewards` (any shape), for example a memory map; it must not be written to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(rewards)
