"""The reward of CIRS's planning stage (Gao et al., TOIS 2023): interest that overexposure to similar items reduces.

    e*_t(u, i) = gamma alpha_u beta_i sum over the episode's earlier items j of exp(-(t - t_j) dist(i, j) / tau*)
    r          = (interest(u, i) - least interest) / (1 + e*_t(u, i))

t counts steps of the episode, and dist is one over the items' similarity.
"""

import torch
from torch import Tensor

from darlr.errors import RunError
from darlr.rewards.estimates.interface import Estimates
from darlr.world.similarity import ItemSimilarity
from darlr.world.window import Window
from darlr.world_model.causal import overexposure


class OverexposedReward:
    """Pays interest, reduced by the exposure to the episode's earlier items.

    Attributes:
        low, high: bounds of the reward.
    """

    def __init__(
        self, interest: Estimates, similarity: ItemSimilarity, alpha: Tensor, beta: Tensor, tau: float, weight: float
    ) -> None:
        """
        Args:
            interest: (n_users, n_items).
            similarity: of pairs of items.
            alpha, beta: (n_users,), (n_items,) sensitivities of the world's users and items.
            tau: tau*, in steps.
            weight: gamma.

        Raises:
            RunError: if all interests are equal.
        """
        self._interest, self._similarity = interest, similarity
        self._alpha, self._beta, self._tau, self._weight = alpha, beta, tau, weight
        self._least, most = interest.bounds()
        self.low, self.high = 0.0, most - self._least
        if not self.low < self.high:
            raise RunError(
                f"all interests are equal ({most:g}), so there is nothing to learn; look at the log and at the world model"
            )

    def pay(self, users: Tensor, items: Tensor, window: Window) -> Tensor:
        ago = torch.arange(window.items.shape[1], 0, -1, device=items.device, dtype=torch.float32)[None]
        exposure = overexposure(self._similarity.to_earlier(items, window.items), ago, self._tau)
        dulled = self._weight * (self._alpha[users] * self._beta[items]).clamp_min(0.0) * exposure
        return (self._interest.cells(users, items) - self._least) / (1 + dulled)
