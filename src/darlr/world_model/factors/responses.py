"""How users respond to items, as a belief about a user reads it: linear in the user's factors, on a scale of its own.

E f(r_ui) = intercept_i + loadings_i . q_u, with q_u Gaussian and noise that does not depend on the user.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

Link = Literal["identity", "log"]

PAIRS_AT_ONCE = 1_000_000
"""Pairs whose factors are in memory together."""


@dataclass(frozen=True)
class ResponseScale:
    """The map between rewards and the scale on which responses are linear: y = (f(r) - centre) / spread.

    Attributes:
        link: f, the identity or the natural logarithm.
        low, high: smallest and largest reward that is paid; estimates are cut to them.
        floor: rewards below it count as it does under the logarithm (unused by the identity).
        centre, spread: mean and standard deviation of f over the log's rows; under the logarithm the centre is raised so that
            estimates are right on average.
    """

    link: Link
    low: float
    high: float
    floor: float
    centre: float
    spread: float

    def to_scale(self, rewards: Tensor) -> Tensor:
        """Rewards of any shape -> y, of the same shape and dtype."""
        linked = rewards.clamp_min(self.floor).log() if self.link == "log" else rewards
        return (linked - self.centre) / self.spread

    def to_reward(self, y: Tensor) -> Tensor:
        """The inverse of `to_scale`, cut to `low`..`high`."""
        linked = y * self.spread + self.centre
        return (linked.exp() if self.link == "log" else linked).clamp(self.low, self.high)

    def slope(self, rewards: Tensor) -> Tensor:
        """How much a reward grows with y where it is `rewards`: the derivative of the inverse map."""
        return rewards * self.spread if self.link == "log" else torch.full_like(rewards, self.spread)


@dataclass(frozen=True)
class FactorResponses:
    """Posteriors of U users' factors, and I items' responses to them; d = 1 + size, the user's bias first.

    All tensors are float32, on the standardised scale of `scale`; indices are those of the log's vocabularies.

    Attributes:
        intercepts: (I,), what an average user gives.
        loadings: (I, d), what a unit of each factor of the user adds; the first column is 1, for the bias.
        noise: (I,) variance of a response around its mean: the log's, and what is not known of the item's loadings.
        log_noise: variance of a logged response around its mean.
        user_means: (U, d).
        user_covariances: (U, d, d).
        scale: between rewards and y.
    """

    intercepts: Tensor
    loadings: Tensor
    noise: Tensor
    log_noise: float
    user_means: Tensor
    user_covariances: Tensor
    scale: ResponseScale

    @property
    def size(self) -> int:
        """d, the number of a user's factors, the bias included."""
        return self.loadings.shape[1]

    @property
    def link(self) -> Link:
        return self.scale.link

    def to_scale(self, rewards: Tensor) -> Tensor:
        """Rewards -> y, the same shape."""
        return self.scale.to_scale(rewards)

    def to_reward(self, y: Tensor) -> Tensor:
        """y -> rewards inside the paid range, the same shape."""
        return self.scale.to_reward(y)

    def expected(self, users: Tensor, items: Tensor) -> Tensor:
        """(n,) E y of the pairs of `users` (n,) and `items` (n,)."""
        parts = zip(torch.split(users, PAIRS_AT_ONCE), torch.split(items, PAIRS_AT_ONCE), strict=True)
        return torch.cat([self.intercepts[i] + (self.loadings[i] * self.user_means[u]).sum(dim=1) for u, i in parts])

    def within(self, low: float, high: float) -> "FactorResponses":
        """The same, where the smallest and largest reward that is paid are `low` and `high`."""
        return replace(self, scale=replace(self.scale, low=low, high=high))

    def of(self, users: Tensor, items: Tensor) -> "FactorResponses":
        """The responses of `users` (n,) to `items` (m,), in that order: rows and columns of a world.

        Where these are all users or all items as they stand, nothing of them is copied.
        """
        rows, columns = _place(users, len(self.user_means)), _place(items, len(self.intercepts))
        return replace(
            self,
            intercepts=self.intercepts[columns],
            loadings=self.loadings[columns],
            noise=self.noise[columns],
            user_means=self.user_means[rows],
            user_covariances=self.user_covariances[rows],
        )


def _place(indices: Tensor, n: int) -> Tensor | slice:
    """`indices` into n entities; a slice, which copies nothing, where they are all of them in order."""
    whole = len(indices) == n and torch.equal(indices, torch.arange(n, device=indices.device))
    return slice(None) if whole else indices
