"""The features of a step by which users leave: its number, its reward, and how the item resembles the last ones."""

from dataclasses import dataclass

import torch
from torch import Tensor

from darlr.world.categories import CategoryMemory
from darlr.world.hazard import FEATURES


@dataclass(frozen=True)
class Shown:
    """A step of B users, and the N steps before it.

    Attributes:
        items: (B,) int64 columns of the world.
        rewards: (B,) float32, from 0, the smallest reward that a user can give, to 1, the largest.
        recent: (B, N) int64 columns, newest last; columns from the number of items on mean that there was no step.
        recent_rewards: (B, N) float32, the same for the N steps; values of absent steps are not read.
        steps: (B,) the number of the step in its session, from 1 on.
    """

    items: Tensor
    rewards: Tensor
    recent: Tensor
    recent_rewards: Tensor
    steps: Tensor


def features(shown: Shown, categories: CategoryMemory) -> Tensor:
    """Return (B, F) float32, in the order of `FEATURES`.

    - intercept: 1.
    - log_step: the logarithm of the step's number.
    - reward: the item's reward, from 0 to 1.
    - recent_reward: the mean reward of this item and of the last N.
    - shared_categories: as the category rule counts: the largest number of the last N items that share one of the item's
      categories.
    - repeats: how often the item itself is among the last N.
    """
    known = shown.recent < len(categories.membership)
    earlier = torch.where(known, shown.recent_rewards, 0.0).sum(dim=1)
    shared = torch.zeros_like(shown.rewards)
    if categories.membership.shape[1]:
        shared = categories.occurrences(shown.items, shown.recent)
    columns = {
        "intercept": torch.ones_like(shown.rewards),
        "log_step": shown.steps.to(torch.float32).log(),
        "reward": shown.rewards,
        "recent_reward": (shown.rewards + earlier) / (1 + known.sum(dim=1)),
        "shared_categories": shared,
        "repeats": (shown.recent == shown.items[:, None]).sum(dim=1).to(torch.float32),
    }
    return torch.stack([columns[name] for name in FEATURES], dim=1)
