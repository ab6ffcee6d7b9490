"""What a world model says of the simulated world."""

import warnings
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.rewards.neighbours import shape_by_neighbours
from darlr.rewards.settings import NeighbourConfig
from darlr.world_model.model import WorldModel


@dataclass(frozen=True)
class Estimates:
    """Estimated rewards and their uncertainty P_U, (n_users, n_items) each."""

    rewards: Tensor
    uncertainty: Tensor

    @classmethod
    def of(cls, model: WorldModel, users: NDArray[np.int64], items: NDArray[np.int64], device: torch.device) -> Self:
        """For `users` and `items`, indices into the log's vocabularies."""
        return cls(*model.predict(torch.from_numpy(users).to(device), torch.from_numpy(items).to(device)))

    def shaped(self, config: NeighbourConfig) -> "Estimates":
        """Shaped by each user's nearest users (ROLeR), where `neighbours.users` asks for it."""
        return Estimates(*shape_by_neighbours(self.rewards, self.uncertainty, config)) if config.users else self

    def corrected(self, truth: NDArray[np.float32] | None) -> "Estimates":
        """True rewards (n_users, n_items) in the place of the estimated ones, where they are given (GT)."""
        return self if truth is None else replace(self, rewards=borrowed(truth).to(self.rewards.device))


def borrowed(rewards: NDArray[np.float32]) -> Tensor:
    """A tensor over the same memory, a memory map included; nobody may write to it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(rewards)
