"""What learns to recommend by playing episodes in a simulator: sample a collection, then learn from its rewards."""

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
    """A collection as it was sampled.

    Attributes:
        episodes: what happened.
        visits: its n steps.
    """

    episodes: Episodes
    visits: Visits

    def placed(self, values: Tensor) -> Tensor:
        """(B, T) the `values` (n,) of the visits, each at its episode's row and step; 0 beyond an episode's end."""
        placed = torch.zeros_like(self.episodes.rewards)
        placed[self.visits.row, self.visits.step] = values
        return placed


R = TypeVar("R", bound=Rollout)


class EpisodicAgent(ABC, Generic[R]):
    """An agent that learns from collections of episodes. R is what it keeps of one.

    Attributes:
        policy: what is learned.
        simulator: where it plays.
        reward_table: see `Learner`.
    """

    policy: Policy
    simulator: Simulator
    reward_table: Estimates | Tensor | None

    @abstractmethod
    def sample(self, environments: int, generator: torch.Generator) -> R:
        """One episode for each of `environments` users drawn uniformly with replacement."""

    @abstractmethod
    def learn(self, rollout: R, rewards: Tensor, log: EpochLog, generator: torch.Generator) -> None:
        """Learn from a collection that paid `rewards` (B, T), 0 beyond an episode's end."""

    def epoch(self, environments: int, steps: int, generator: torch.Generator) -> EpochLog:
        """Collect from `environments` at a time and learn, until at least `steps` recommendations were made.

        Args: generator: on the policy's device; draws users, items and minibatches.
        Raises: RunError: if a loss is not finite.
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
        """All that goes on with learning, by name."""

    @abstractmethod
    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors()` gave."""


class RecommendingAgent(EpisodicAgent[R]):
    """An agent that another one may learn beside, from its states and its changing rewards (DARLR's recommender)."""

    @property
    @abstractmethod
    def state_size(self) -> int:
        """Size of a state."""

    @abstractmethod
    def states(self, rollout: R) -> Tensor:
        """(n, state_size) what the agent knew before each visit, without gradients (Eq. 14)."""

    def rewards_changed(self) -> None:
        """Told whenever `reward_table` was rewritten, for policies that act on it."""
