"""Collections of episodes, and the part of an agent that plays them."""

from abc import ABC, abstractmethod
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, Self, TypeVar

import torch
from torch import Tensor, nn

from darlr.agents.policy import Policy
from darlr.simulator.simulator import Episodes, Simulator, Visits


@dataclass(frozen=True)
class Rollout:
    """A sampled collection. Further attributes of a subclass are tensors with a row for each episode, or for each step.

    Attributes:
        episodes: the episodes.
    """

    episodes: Episodes

    @cached_property
    def visits(self) -> Visits:
        """The n steps of the episodes."""
        return self.episodes.visits()

    def placed(self, values: Tensor) -> Tensor:
        """Return (B, T) the `values` (n,) of the visits at their episode's row and step; 0 after an episode's end."""
        placed = torch.zeros_like(self.episodes.rewards)
        placed[self.visits.row, self.visits.step] = values
        return placed


R = TypeVar("R", bound=Rollout)


class Player(nn.Module, ABC, Generic[R]):
    """Plays episodes with a policy. It is a module, so that it can be called with other values of the policy's parameters.

    A call may change nothing but the simulator and its rewards: it may be made by a copy in another process.
    """

    def __init__(self, policy: Policy, simulator: Simulator, n_users: int) -> None:
        """
        Args:
            policy: chooses the items.
            simulator: plays the episodes.
            n_users: number of the simulator's users.
        """
        super().__init__()
        self.policy, self.simulator, self.n_users = policy, simulator, n_users

    @abstractmethod
    def forward(self, episodes: int, generator: torch.Generator) -> R:
        """Play one episode for each of some users, who are drawn uniformly with replacement, without gradients.

        Args:
            episodes: the number of users.
            generator: on the policy's device; draws users and items.
        """

    def anew(self) -> Self:
        """Return a player with the same policy and a simulator of its own, which another process may have."""
        other = copy(self)
        other.simulator = self.simulator.anew()
        return other

    def draw_users(self, episodes: int, generator: torch.Generator) -> Tensor:
        """Draw (episodes,) users uniformly with replacement."""
        return torch.randint(self.n_users, (episodes,), generator=generator, device=generator.device)
