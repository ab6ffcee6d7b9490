"""The reward that learning rewrites: a table whose cells DARLR replaces by refined estimates (Eq. 15)."""

import torch
from torch import Tensor

from darlr.rewards.settings import RefinementConfig
from darlr.rewards.table import TableReward


class RefinedReward(TableReward):
    """A table reward over r' of every user and item, refined at the cells that the recommender visits.

    Attributes:
        table: (n_users, n_items) float32, rewritten in place, so that what is written is paid from then on.
        initial: what it was at first, never changed.
    """

    def __init__(self, reward: TableReward, config: RefinementConfig) -> None:
        """Args: reward: what is paid at first; its table is copied, its entropy term and shift stay."""
        super().__init__(reward.table.clone(), reward.low, reward.high, reward.shift, reward.entropy, reward.entropy_weight)
        self.initial = reward.table
        self._levels = self.initial.mean(dim=1) if config.keep_levels else torch.zeros_like(self.initial[:, 0])
        self._config = config

    def transferred(self, users: Tensor, items: Tensor, references: Tensor) -> Tensor:
        """(n, K) the references' estimates for the item, as they are or, with `keep_levels`, moved to the user's level.

        Cosines do not see how generous a user is, so references may rate all higher or lower than the user does.

        Args: users, items: (n,); references: (n, K) users.
        """
        source = self.table if self._config.source == "current" else self.initial
        return source[references, items[:, None]] - self._levels[references] + self._levels[users, None]

    def write(self, users: Tensor, items: Tensor, estimates: Tensor) -> None:
        """Write `estimates` (n,) to the cells (users, items); a cell visited several times gets their mean."""
        if not self._config.write_back or self._config.reward == "static":
            return
        cells, visit = torch.unique(users * self.table.shape[1] + items, return_inverse=True)
        totals = torch.zeros(len(cells), device=estimates.device).index_add_(0, visit, estimates)
        counts = torch.zeros_like(totals).index_add_(0, visit, torch.ones_like(estimates))
        self.table.view(-1)[cells] = totals / counts
