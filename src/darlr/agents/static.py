"""Policies that learn nothing while they recommend: what a user would pick instead."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import Scorer, behind, best_alone, mask_logits
from darlr.agents.learning import EpochLog, below
from darlr.agents.policy import Policy
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.rewards.source import Window
from darlr.simulator.categories import CategoryMemory

ITEM_MEAN_STRENGTH = 5.0
"""Ratings of the overall mean that every item is granted before its own are counted."""


class TableScorer(Scorer):
    """Scores that depend on the user and the item alone."""

    def __init__(self, table: Tensor) -> None:
        """Args: table: (n_users, n_items), or (1, n_items) for one list that serves everybody."""
        self._table = table

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        scores = self._table.expand(len(users), -1) if len(self._table) == 1 else self._table[users]
        return mask_logits(scores, blocked)


class SkippingScorer(Scorer):
    """Another scorer's list without the items that share a category with one of the last N."""

    def __init__(self, scorer: Scorer, membership: Tensor, window: int) -> None:
        """Args: membership: (n_items, C) bool; window: N."""
        self._scorer, self._window = scorer, window
        self._categories = CategoryMemory(membership)

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        skipped = self._categories.shares(window.last(self._window).items)
        return mask_logits(behind(self._scorer(users, window), skipped), blocked)


class StaticPolicy(Policy):
    """The world model's estimates, with a bonus for items of which the log tells little, and items at random now and then.

    Attributes:
        estimates: (n_users, n_items) float32; rebuilt from the world model, not saved.
        bonus: (n_items,) float32.
    """

    estimates: Tensor
    bonus: Tensor

    def __init__(self, estimates: Tensor, epsilon: float) -> None:
        """Args: epsilon: probability of a random item, where the policy is sampled."""
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
    """A static policy: the best estimate, and what its epsilon leaves to chance."""

    def __init__(self, policy: StaticPolicy) -> None:
        self.policy = policy

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return mask_logits(self.policy.estimates[users] + self.policy.bonus, blocked)

    def probabilities(self, scores: Tensor) -> Tensor:
        allowed = (scores > float("-inf")).to(scores.dtype)
        epsilon = self.policy.epsilon
        return (1 - epsilon) * best_alone(scores) + epsilon * allowed / allowed.sum(dim=1, keepdim=True)


class StaticLearner:
    """Has nothing to learn: its epochs are tests alone."""

    def __init__(self, policy: StaticPolicy) -> None:
        self.policy = policy

    def epoch(self, environments: int, steps: int, generator: torch.Generator) -> EpochLog:
        """An empty log."""
        return EpochLog()

    def tensors(self) -> dict[str, Tensor]:
        """What is saved of the policy."""
        return {f"policy.{name}": tensor for name, tensor in self.policy.state_dict().items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors()` gave."""
        self.policy.load_state_dict(below("policy.", tensors))


def confidence_bonus(dataset: Dataset) -> Tensor:
    """(n_items,) sqrt(2 ln n / (n_i + 1)) for the world's items: n rows in the log, n_i of them about the item (UCB1).

    One is added so that an item that nobody has tried has the greatest bonus, and not an infinite one.
    """
    counts = np.bincount(dataset.log.items, minlength=dataset.log.n_items)[dataset.world.items]
    return torch.from_numpy(np.sqrt(2 * np.log(len(dataset.log)) / (counts + 1)).astype(np.float32))


def popularity(dataset: Dataset) -> Tensor:
    """(1, n_items) how often the log's users liked each item of the world."""
    log = dataset.log
    counts = np.bincount(log.items[log.liked], minlength=log.n_items)
    return torch.from_numpy(counts[dataset.world.items].astype(np.float32))[None]


def item_means(dataset: Dataset) -> Tensor:
    """(1, n_items) each item's mean reward in the log, shrunk towards the mean of all by `ITEM_MEAN_STRENGTH` ratings."""
    return torch.from_numpy(shrunk_means(dataset.log)[dataset.world.items])[None]


def shrunk_means(log: InteractionLog) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """(I,) float32."""
    totals = np.bincount(log.items, log.rewards, minlength=log.n_items)
    counts = np.bincount(log.items, minlength=log.n_items)
    overall = float(log.rewards.mean(dtype=np.float64))
    return ((totals + ITEM_MEAN_STRENGTH * overall) / (counts + ITEM_MEAN_STRENGTH)).astype(np.float32)
