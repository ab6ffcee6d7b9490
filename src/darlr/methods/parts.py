"""The parts from which a method's policy and its learner are built."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.agents.a2c import A2C
from darlr.agents.networks.trackers import StateTracker
from darlr.agents.policy import ActorCritic, Policy
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.methods.ways import Ways
from darlr.methods.world import LearningWorld
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.estimates.predicted import Predicted
from darlr.rewards.estimates.standardised import StandardisedEstimates
from darlr.rewards.source import RewardSource
from darlr.seeding import torch_generator
from darlr.world_model.model import WorldModel

RANDOM_VECTORS = 0.01
"""Standard deviation of item vectors that do not come from the world model (docs/protocol.md, section 2)."""


@dataclass(frozen=True)
class PolicyParts:
    """The parts of a policy, the same for learning and for serving.

    Attributes:
        config: the run's settings.
        ways: darlr's way of building runs, or that of the reference code.
        model: the world model.
        users, items: (n_users,), (n_items,) indices into the log's vocabularies; the policy's rows and columns, in that order.
        membership: (n_items, C) bool, whether an item has a category.
        estimates: (n_users, n_items) the world model's estimates if they are known already; None: `predicted()` makes them.
        paid_range: smallest and largest reward that a user can give.
        device: the device that the policy computes on.
    """

    config: ExperimentConfig
    ways: Ways
    model: WorldModel
    users: NDArray[np.int64]
    items: NDArray[np.int64]
    membership: Tensor
    estimates: Estimates | None
    paid_range: tuple[float, float]
    device: torch.device

    def indices(self) -> tuple[Tensor, Tensor]:
        """Return `users` (n_users,) and `items` (n_items,) on the device."""
        return torch.from_numpy(self.users).to(self.device), torch.from_numpy(self.items).to(self.device)

    def generator(self, name: str) -> torch.Generator:
        """Make a generator, on the CPU, for a new policy's random numbers; the same seed and name give the same numbers."""
        return torch_generator(self.config.seed, "policy", name)

    def predicted(self, most_cells: float = math.inf) -> Estimates:
        """Return (n_users, n_items) the world model's estimates, on request if they are not known yet and have more than
        `most_cells` cells.
        """
        if self.estimates is not None:
            return self.estimates
        return Predicted.of(self.model, self.users, self.items, self.device, most_cells).rewards

    def rows(self, most_cells: float) -> Callable[[Tensor], Tensor]:
        """Return a function of users (B,) that returns their rows (B, n_items) of `predicted(most_cells)`.

        Estimates that are not known yet are predicted at the first call, because serving makes none.
        """
        if self.estimates is not None:
            return self.estimates.rows
        predicted = cache(partial(self.predicted, most_cells))
        return lambda users: predicted().rows(users)

    def estimated(self) -> Tensor:
        """Return (n_users, n_items) the world model's estimates in a table."""
        return self.predicted().table()

    @property
    def categories(self) -> Tensor:
        """(n_items, C) float32 on the CPU, 1 where an item has a category."""
        return self.membership.to("cpu", torch.float32)

    def prior(self, most_cells: float) -> Estimates | Tensor | None:
        """Return (n_users, n_items) the standardised estimates; None if 'policy.prior_weight' is 0.

        They are a table on the CPU, or computed on request if they have more than `most_cells` cells.
        """
        if not self.config.policy.prior_weight:
            return None
        scale, known = self.model.scale, self.predicted(most_cells)
        if isinstance(known, KeptEstimates):
            return ((known.table() - scale.centre) / scale.spread).cpu()
        return StandardisedEstimates(known, scale.centre, scale.spread)

    def tracker(self, generator: torch.Generator) -> StateTracker:
        """Make the run's state tracker over the world model's vectors."""
        users, items = self.indices()
        item_vectors = self.model.item_vectors()[items].cpu()
        if self.config.tracker.item_vectors == "random":
            item_vectors = torch.randn(item_vectors.shape, generator=self.generator("item_vectors")) * RANDOM_VECTORS
        user_vectors = self.model.user_vectors()[users].cpu()
        return self.ways.tracker(self.config, item_vectors, user_vectors, generator)


@dataclass(frozen=True)
class LearnerParts:
    """The parts of a learner.

    Attributes:
        config, ways: as in `PolicyParts`.
        dataset: the data to learn from; it has no truth.
        model: the world model.
        world: the world that the policy learns in.
        lookback: the number of an episode's positions in its windows.
        device: the device that computes.
    """

    config: ExperimentConfig
    ways: Ways
    dataset: Dataset
    model: WorldModel
    world: LearningWorld
    lookback: int
    device: torch.device

    @property
    def paid_range(self) -> tuple[float, float]:
        """Smallest and largest reward that a user can give."""
        return self.dataset.paid_range

    def indices(self) -> tuple[Tensor, Tensor]:
        """Return the world's users (n_users,) and items (n_items,), as indices into the log's vocabularies, on the device."""
        world = self.dataset.world
        return torch.from_numpy(world.users).to(self.device), torch.from_numpy(world.items).to(self.device)

    def a2c(self, policy: Policy, reward: RewardSource, learned: Estimates) -> A2C:
        """Make the advantage actor-critic that learns `policy` in the simulator, which pays `reward`.

        Args:
            policy: the actor-critic.
            reward: the source of the rewards.
            learned: (n_users, n_items) the rewards that are learned from, without penalties.
        """
        if not isinstance(policy, ActorCritic):
            raise TypeError(f"A2C learns no {type(policy).__name__}")
        simulator = self.world.simulator(self.config, reward, self.ways, self.lookback)
        return self.ways.a2c(policy, simulator, self.world.n_users, self.config.a2c, learned)
