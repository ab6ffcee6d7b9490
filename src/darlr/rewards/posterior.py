"""Rewards of users drawn from the posterior of the log: a world in which feedback carries information about the user."""

from collections.abc import Sequence

import torch
from torch import Tensor

from darlr.rewards.pair_noise import pair_noise
from darlr.world.window import Window
from darlr.world_model.factors.responses import FactorResponses


class PosteriorReward:
    """Pays the rewards of users whose factors and noise levels are drawn from their posteriors.

    A pair pays the same reward until the next draw (docs/methods/bayes-adaptive.md, Eq. 6).
    """

    def __init__(self, responses: FactorResponses, levels: Sequence[float]) -> None:
        """
        Args:
            responses: the responses of the world's users to its items.
            levels: shares of the log's noise; 0 pays without noise.
        """
        self._responses = responses
        self.low, self.high = responses.scale.low, responses.scale.high
        means = responses.user_means
        self._deviations = (torch.tensor(levels, device=means.device) * responses.log_noise).sqrt()
        self._distinct = torch.empty(0, dtype=torch.int64, device=means.device)
        self._table = means.new_empty(0, len(responses.intercepts))

    def draw(self, users: Tensor, generator: torch.Generator) -> Tensor:
        """Draw (n, n_items) rewards of `users` (n,)."""
        responses, device = self._responses, generator.device
        y = torch.addmm(responses.intercepts, self._factors(users, generator), responses.loadings.T)
        level = torch.randint(len(self._deviations), (len(users), 1), generator=generator, device=device)
        if self._deviations.any():
            y.addcmul_(torch.randn(y.shape, generator=generator, device=device), self._deviations[level])
        return responses.to_reward(y)

    def _factors(self, users: Tensor, generator: torch.Generator) -> Tensor:
        """Draw (n, d) factors of `users` (n,) from their posteriors."""
        responses = self._responses
        normal = torch.randn(len(users), responses.size, 1, generator=generator, device=generator.device)
        roots = torch.linalg.cholesky(responses.user_covariances[users])
        factors: Tensor = responses.user_means[users] + (roots @ normal).squeeze(2)
        return factors

    def redraw(self, users: Tensor, generator: torch.Generator) -> None:
        """Draw the `users` (B,) anew, a repeated user once; from then on `pay` knows these users only."""
        self._distinct = torch.unique(users)
        self._table = self.draw(self._distinct, generator)

    def _rows(self, users: Tensor) -> Tensor:
        """Return (B,) the places of `users` (B,) among the drawn ones, which ascend."""
        return torch.searchsorted(self._distinct, users)

    def pay(self, users: Tensor, items: Tensor, window: Window) -> Tensor:
        paid: Tensor = self._table[self._rows(users), items]
        return paid


class LargePosteriorReward(PosteriorReward):
    """The same for many items: a draw holds users' factors alone, and a pair's reward is computed when it is paid.

    A pair's noise is a function of the pair and of the draw's key, so it is the same whenever it is paid.
    """

    def redraw(self, users: Tensor, generator: torch.Generator) -> None:
        device = generator.device
        self._distinct = torch.unique(users)
        self._drawn = self._factors(self._distinct, generator)
        level = torch.randint(len(self._deviations), self._distinct.shape, generator=generator, device=device)
        self._spread = self._deviations[level]
        self._key = torch.randint(2**62, (), generator=generator, device=device)

    def pay(self, users: Tensor, items: Tensor, window: Window) -> Tensor:
        responses, rows = self._responses, self._rows(users)
        y = responses.intercepts[items] + (responses.loadings[items] * self._drawn[rows]).sum(dim=1)
        noise = pair_noise(users * len(responses.intercepts) + items, self._key)
        return responses.to_reward(torch.addcmul(y, noise, self._spread[rows]))
