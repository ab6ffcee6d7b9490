"""What a method's policy and its learner are built from."""

from dataclasses import dataclass

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
from darlr.rewards.estimates.predicted import Predicted
from darlr.rewards.source import RewardSource
from darlr.seeding import torch_generator
from darlr.world_model.model import WorldModel

RANDOM_VECTORS = 0.01
"""Standard deviation of item vectors that do not come from the world model (docs/protocol.md, section 2)."""


@dataclass(frozen=True)
class PolicyParts:
    """What a policy is built from, for learning and for serving alike.

    Attributes:
        config: the run's settings.
        ways: darlr's way of putting runs together, or the references'.
        model: the world model.
        users, items: (n_users,), (n_items,) indices into the log's vocabularies; the policy's rows and columns, in that order.
        membership: (n_items, C) bool, which item has which category.
        estimates: (n_users, n_items) the world model's, if they are known already; None: `estimated()` predicts them.
        paid_range: smallest and largest reward that a user can give.
        device: where the policy computes.
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
        """`users` and `items` on the device."""
        return torch.from_numpy(self.users).to(self.device), torch.from_numpy(self.items).to(self.device)

    def generator(self, name: str) -> torch.Generator:
        """Draws what a fresh policy draws, on the CPU; the same for the same seed and name."""
        return torch_generator(self.config.seed, "policy", name)

    def estimated(self) -> Tensor:
        """(n_users, n_items) the world model's estimates."""
        if self.estimates is not None:
            return self.estimates.table()
        return Predicted.kept(self.model, self.users, self.items, self.device).rewards.table()

    @property
    def categories(self) -> Tensor:
        """(n_items, C) float32 on the CPU, which item has which category."""
        return self.membership.to("cpu", torch.float32)

    def prior(self) -> Tensor | None:
        """(n_users, n_items) the estimates on the CPU, standardised; None where 'policy.prior_weight' is 0."""
        if not self.config.policy.prior_weight:
            return None
        scale = self.model.scale
        return ((self.estimated() - scale.centre) / scale.spread).cpu()

    def tracker(self, generator: torch.Generator) -> StateTracker:
        """The run's state tracker over the world model's vectors."""
        users, items = self.indices()
        item_vectors = self.model.item_vectors()[items].cpu()
        if self.config.tracker.item_vectors == "random":
            item_vectors = torch.randn(item_vectors.shape, generator=self.generator("item_vectors")) * RANDOM_VECTORS
        user_vectors = self.model.user_vectors()[users].cpu()
        return self.ways.tracker(self.config, item_vectors, user_vectors, generator)


@dataclass(frozen=True)
class LearnerParts:
    """What a learner is built from.

    Attributes:
        config, ways: as in `PolicyParts`.
        dataset: what is learned from; it has no truth.
        model: the world model.
        world: the world that is learned in.
        lookback: how many positions of an episode its windows show.
        device: where it computes.
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
        """The world's users and items, as indices into the log's vocabularies, on the device."""
        world = self.dataset.world
        return torch.from_numpy(world.users).to(self.device), torch.from_numpy(world.items).to(self.device)

    def a2c(self, policy: Policy, reward: RewardSource, learned: Estimates) -> A2C:
        """Advantage actor-critic that learns `policy` in the simulator, which pays `reward`.

        Args:
            learned: (n_users, n_items) the rewards that are learned from, without penalties.
        """
        if not isinstance(policy, ActorCritic):
            raise TypeError(f"A2C learns no {type(policy).__name__}")
        simulator = self.world.simulator(self.config, reward, self.ways, self.lookback)
        return self.ways.a2c(policy, simulator, self.world.n_users, self.config.a2c, learned)
