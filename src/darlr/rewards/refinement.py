"""A reward that learning rewrites: DARLR replaces the table's cells by refined estimates (Eq. 15)."""

import torch
from torch import Tensor

from darlr.rewards.estimates.rewritten import RewrittenEstimates, rewritten
from darlr.rewards.settings import RefinementConfig
from darlr.rewards.table import TableReward


class RefinedReward(TableReward):
    """A table reward over r' of every user and item, refined in the cells that the recommender visits.

    Attributes:
        estimates: (n_users, n_items) the current estimates; a rewritten cell is paid from then on.
        initial: the estimates at the start, which never change.
    """

    estimates: RewrittenEstimates

    def __init__(self, reward: TableReward, config: RefinementConfig) -> None:
        """
        Args:
            reward: the reward at the start; it is not changed, and its entropy term and shift are kept.
            config: how estimates are refined.
        """
        written = rewritten(reward.estimates)
        super().__init__(written, reward.low, reward.high, reward.shift, reward.entropy, reward.entropy_weight)
        self.initial = reward.estimates
        self._levels = self.initial.means() if config.keep_levels else torch.zeros(len(written), device=written.device)
        self._config = config

    def transferred(self, users: Tensor, items: Tensor, references: Tensor) -> Tensor:
        """Return (n, K) the references' estimates for the item; with `keep_levels` they are moved to the user's level.

        Cosines do not show how generous a user is, so references may rate everything higher or lower than the user does.

        Args:
            users, items: (n,).
            references: (n, K) users.
        """
        source = self.estimates if self._config.source == "current" else self.initial
        return source.cells(references, items[:, None]) - self._levels[references] + self._levels[users, None]

    def write(self, users: Tensor, items: Tensor, estimates: Tensor) -> None:
        """Write `estimates` (n,) to the cells (users, items), (n,) each; a cell that is visited several times gets the mean."""
        if not self._config.write_back or self._config.reward == "static":
            return
        n_items = self.estimates.n_items
        cells, visit = torch.unique(users * n_items + items, return_inverse=True)
        totals = torch.zeros(len(cells), device=estimates.device).index_add_(0, visit, estimates)
        counts = torch.zeros_like(totals).index_add_(0, visit, torch.ones_like(estimates))
        self.estimates.write(cells // n_items, cells % n_items, totals / counts)
