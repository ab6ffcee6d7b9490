"""Agents that learn to recommend by playing episodes in a simulator: they sample a collection, then learn from its rewards."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from darlr.agents.learning import EpochLog
from darlr.agents.policy import Policy
from darlr.rewards.estimates.interface import Estimates
from darlr.simulator.simulator import Episodes, Simulator, Visits


@dataclass(frozen=True)
class Rollout:
    """A sampled collection.

    Attributes:
        episodes: the episodes.
        visits: their n steps.
    """

    episodes: Episodes
    visits: Visits

    def placed(self, values: Tensor) -> Tensor:
        """Return (B, T) the `values` (n,) of the visits at their episode's row and step; 0 after an episode's end."""
        placed = torch.zeros_like(self.episodes.rewards)
        placed[self.visits.row, self.visits.step] = values
        return placed


R = TypeVar("R", bound=Rollout)


class EpisodicAgent(ABC, Generic[R]):
    """An agent that learns from collections of episodes. R is what it keeps of one.

    Attributes:
        policy: the policy that it learns.
        simulator: the simulator that it plays in.
        reward_table: see `Learner`.
    """

    policy: Policy
    simulator: Simulator
    reward_table: Estimates | Tensor | None

    @abstractmethod
    def sample(self, environments: int, generator: torch.Generator) -> R:
        """Play one episode for each of `environments` users, who are drawn uniformly with replacement."""

    @abstractmethod
    def learn(self, rollout: R, rewards: Tensor, log: EpochLog, generator: torch.Generator) -> None:
        """Learn from a collection that paid `rewards` (B, T), 0 beyond an episode's end."""

    def epoch(self, environments: int, steps: int, generator: torch.Generator) -> EpochLog:
        """Collect from `environments` episodes at a time and learn, until at least `steps` recommendations were made.

        Args:
            environments: number of episodes of a collection.
            steps: least number of recommendations.
            generator: on the policy's device; draws users, items and minibatches.

        Raises:
            RunError: if a loss is not finite.
        """
        log = EpochLog()
        while log.steps < steps:
            with log.timed("sampling", generator.device):
                rollout = self.sample(environments, generator)
            with log.timed("learning", generator.device):
                self.learn(rollout, rollout.episodes.rewards, log, generator)
                log.count(rollout.visits, environments, rollout.episodes.rewards)
        return log

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """Return the state of the policy and of learning, by name."""

    @abstractmethod
    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Continue from the tensors of a checkpoint."""


class RecommendingAgent(EpisodicAgent[R]):
    """An agent with its states and changing rewards exposed, so that another agent can learn beside it (DARLR's
    recommender).
    """

    @property
    @abstractmethod
    def state_size(self) -> int:
        """The size of a state."""

    @abstractmethod
    def states(self, rollout: R) -> Tensor:
        """Return (n, state_size) the state before each visit, without gradients (Eq. 14)."""

    def rewards_changed(self) -> None:
        """Called after `reward_table` was rewritten, for policies that depend on it."""
