"""An intrinsic reward for diverse and little-known items (Yu et al., EasyRL4Rec, SIGIR 2024).

    r(u, i)    = r'(u, i) + lambda_d diversity(i) + lambda_n novelty(i) - shift
    diversity  = mean over the episode's earlier items j of 1 - similarity(i, j); 0 for an episode's first item
    novelty    = -log popularity(i)

Popularity is the share of the log's users who like the item. The shift is the smallest possible r, so that no reward is
negative.
"""

import numpy as np
import torch
from torch import Tensor

from darlr.data.dataset import Dataset
from darlr.data.tallies import count_partners
from darlr.errors import RunError
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.settings import RewardConfig
from darlr.world.similarity import ItemSimilarity, NearColumns, SharedCategories
from darlr.world.window import Window


class IntrinsicReward:
    """Pays the estimate with a bonus for diversity and one for novelty.

    Attributes:
        low, high: bounds of the reward.
    """

    def __init__(self, estimates: Estimates, similarity: ItemSimilarity, novelty: Tensor, config: RewardConfig) -> None:
        """
        Args:
            estimates: (n_users, n_items) r'.
            similarity: of pairs of items.
            novelty: (n_items,).
            config: the weights of the terms.

        Raises:
            RunError: if all rewards are equal.
        """
        self._estimates, self._similarity = estimates, similarity
        self._diversity_weight = config.diversity_weight
        self._novel = config.novelty_weight * novelty
        least, most = estimates.bounds()
        self._shift = least + float(self._novel.min())
        self.low, self.high = 0.0, most + config.diversity_weight + float(self._novel.max()) - self._shift
        if not self.low < self.high:
            raise RunError(
                f"all rewards are equal ({least:g}), so there is nothing to learn; look at the log and at the world model"
            )

    def pay(self, users: Tensor, items: Tensor, window: Window) -> Tensor:
        diversity = diversities(self._similarity.to_earlier(items, window.items), window.items < len(self._novel))
        return self._estimates.cells(users, items) + self._diversity_weight * diversity + self._novel[items] - self._shift


def diversities(similarity: Tensor, present: Tensor) -> Tensor:
    """The mean of 1 - `similarity` (B, L) over the positions `present` (B, L), (B,); 0 if there is none."""
    return ((1 - similarity) * present).sum(dim=1) / present.sum(dim=1).clamp_min(1)


def novelties(dataset: Dataset) -> Tensor:
    """The novelty -log popularity of the world's items, (n_items,). An item without likes counts as if one user liked it."""
    log = dataset.log
    liking = count_partners(log.users[log.liked], log.items[log.liked], log.n_items)[dataset.world.items]
    return torch.from_numpy(-np.log(np.maximum(liking, 1) / log.n_users).astype(np.float32))


def intrinsic_reward(dataset: Dataset, estimates: Estimates, config: RewardConfig) -> IntrinsicReward:
    """The reward over `estimates` (n_users, n_items) of the world of `dataset`."""
    similarity = similarity_of(dataset, estimates)
    return IntrinsicReward(estimates, similarity, novelties(dataset).to(estimates.device), config)


def similarity_of(dataset: Dataset, estimates: Estimates) -> ItemSimilarity:
    """Return the similarity of the world's items: by categories, or, if there are none, by `estimates` (n_users, n_items)."""
    if not dataset.items.n_categories:
        return NearColumns(estimates.table())
    return SharedCategories(torch.from_numpy(dataset.items.membership()[dataset.world.items]).to(estimates.device))
