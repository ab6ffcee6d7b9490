"""The policy of UCB and epsilon-greedy: it follows the world model and learns nothing else."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import Scorer, best_alone, mask_logits
from darlr.agents.learning import EpochLog, below
from darlr.agents.policy import Policy
from darlr.artifacts.schema import require_alike
from darlr.data.dataset import Dataset
from darlr.world.window import Window


class StaticPolicy(Policy):
    """Follows the world model's estimates, with a bonus for items that are rare in the log, and with random items now and then.

    Attributes:
        estimates: (n_users, n_items) float32; rebuilt from the world model, not saved.
        bonus: (n_items,) float32.
    """

    estimates: Tensor
    bonus: Tensor

    def __init__(self, estimates: Tensor, epsilon: float) -> None:
        """
        Args:
            estimates: (n_users, n_items) float32.
            epsilon: probability of a random item when the policy is sampled.
        """
        super().__init__()
        self.epsilon = epsilon
        self.register_buffer("estimates", estimates, persistent=False)
        self.register_buffer("bonus", estimates.new_zeros(estimates.shape[1]))

    def scorer(self) -> Scorer:
        return StaticScorer(self)

    def average_user(self) -> dict[str, Tensor]:
        return {"estimates": self.estimates.mean(dim=0, keepdim=True)}

    def append_user(self, rows: Mapping[str, Tensor]) -> None:
        self.estimates = torch.cat([self.estimates, rows["estimates"]])


class StaticScorer(Scorer):
    """A static policy's scores; sampling recommends a random item with probability epsilon."""

    def __init__(self, policy: StaticPolicy) -> None:
        self.policy = policy

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return mask_logits(self.policy.estimates[users] + self.policy.bonus, blocked)

    def probabilities(self, scores: Tensor) -> Tensor:
        allowed = (scores > float("-inf")).to(scores.dtype)
        epsilon = self.policy.epsilon
        return (1 - epsilon) * best_alone(scores) + epsilon * allowed / allowed.sum(dim=1, keepdim=True)


class StaticLearner:
    """Learns nothing; its epochs consist of tests alone."""

    reward_table: None = None

    def __init__(self, policy: StaticPolicy) -> None:
        self.policy = policy

    def epoch(self, environments: int, steps: int, generator: torch.Generator) -> EpochLog:
        """Return an empty log."""
        return EpochLog()

    def tensors(self) -> dict[str, Tensor]:
        """Return the saved state of the policy by name."""
        return {f"policy.{name}": tensor for name, tensor in self.policy.state_dict().items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the state that `tensors()` returned."""
        require_alike(below("policy.", tensors), self.policy.state_dict())
        self.policy.load_state_dict(below("policy.", tensors))


def confidence_bonus(dataset: Dataset) -> Tensor:
    """Return (n_items,) sqrt(2 ln n / (n_i + 1)) for the world's items, where the log has n rows, n_i of them about the
    item (UCB1).

    One is added so that an item without rows has the greatest bonus, but not an infinite one.
    """
    counts = np.bincount(dataset.log.items, minlength=dataset.log.n_items)[dataset.world.items]
    return torch.from_numpy(np.sqrt(2 * np.log(len(dataset.log)) / (counts + 1)).astype(np.float32))
