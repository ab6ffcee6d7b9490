"""Rewards of users drawn from what the log leaves open: a world in which feedback tells a policy something."""

from collections.abc import Sequence

import torch
from torch import Tensor

from darlr.world.window import Window
from darlr.world_model.factors.responses import FactorResponses


class PosteriorReward:
    """Pays what users give whose factors are drawn from their posteriors, each user as noisy as a drawn level says.

    A pair pays the same until the next draw (docs/methods/bayes-adaptive.md, Eq. 6).
    """

    def __init__(self, responses: FactorResponses, levels: Sequence[float]) -> None:
        """Args:
        responses: of the world's users and items, in its order.
        levels: shares of the log's noise; 0 pays without noise.
        """
        self._responses = responses
        self.low, self.high = responses.scale.low, responses.scale.high
        means = responses.user_means
        self._deviations = (torch.tensor(levels, device=means.device) * responses.log_noise).sqrt()
        self._row = torch.full((len(means),), -1, device=means.device)
        self._table = means.new_empty(0, len(responses.intercepts))

    def draw(self, users: Tensor, generator: torch.Generator) -> Tensor:
        """(n, n_items) rewards of `users` (n,), each drawn anew."""
        responses, device = self._responses, generator.device
        normal = torch.randn(len(users), responses.size, 1, generator=generator, device=device)
        roots = torch.linalg.cholesky(responses.user_covariances[users])
        factors = responses.user_means[users] + (roots @ normal).squeeze(2)
        y = torch.addmm(responses.intercepts, factors, responses.loadings.T)
        level = torch.randint(len(self._deviations), (len(users), 1), generator=generator, device=device)
        if self._deviations.any():
            y.addcmul_(torch.randn(y.shape, generator=generator, device=device), self._deviations[level])
        return responses.to_reward(y)

    def redraw(self, users: Tensor, generator: torch.Generator) -> None:
        """Draw the `users` (B,), the only ones whom `pay` knows from now on; one that is named twice is drawn once."""
        distinct: Tensor = torch.unique(users)
        self._table = self.draw(distinct, generator)
        self._row.fill_(-1)[distinct] = torch.arange(len(distinct), device=users.device)

    def pay(self, users: Tensor, items: Tensor, window: Window) -> Tensor:
        paid: Tensor = self._table[self._row[users], items]
        return paid
