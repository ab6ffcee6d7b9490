"""Agents that learn to recommend by playing episodes in a simulator: they sample a collection, then learn from its rewards."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import count
from typing import Generic, TypeVar

import torch
from torch import Tensor

from darlr.agents.dividing import Divided
from darlr.agents.learning import EpochLog
from darlr.agents.playing import Player, Rollout
from darlr.agents.policy import Policy
from darlr.cluster.workers import Workers
from darlr.rewards.estimates.interface import Estimates
from darlr.simulator.simulator import Simulator

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

    def collect(self, environments: int, generator: torch.Generator, number: int) -> R:
        """Play collection `number` of an epoch; see `sample`."""
        return self.sample(environments, generator)

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
        log, numbers = EpochLog(), count()
        while log.steps < steps:
            with log.timed("sampling", generator.device):
                rollout = self.collect(environments, generator, next(numbers))
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

    Attributes:
        player: plays its episodes.
    """

    player: Player[R]

    _divided: Divided[R] | None = None

    def divide(self, groups: int, workers: Workers) -> None:
        """From now on, play each collection in `groups` groups of episodes, which `workers` share."""
        self._divided = Divided(self.player, groups, workers)

    def sample(self, environments: int, generator: torch.Generator) -> R:
        played: R = self.player(environments, generator)
        return played

    def collect(self, environments: int, generator: torch.Generator, number: int) -> R:
        if self._divided is None:
            return super().collect(environments, generator, number)
        return self._divided.sample(environments, generator, number)

    @property
    @abstractmethod
    def state_size(self) -> int:
        """The size of a state."""

    @abstractmethod
    def states(self, rollout: R) -> Tensor:
        """Return (n, state_size) the state before each visit, without gradients (Eq. 14)."""

    def rewards_changed(self) -> None:
        """Called after `reward_table` was rewritten, for policies that depend on it."""
