"""Users' responses to items in the form that a belief about a user needs: linear in the user's factors, on a scale of their
own.

E f(r_ui) = intercept_i + loadings_i . q_u. q_u is Gaussian, and the noise does not depend on the user.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

Link = Literal["identity", "log"]

PAIRS_AT_ONCE = 1_000_000
"""Number of pairs with factors in memory at once."""


@dataclass(frozen=True)
class ResponseScale:
    """The map between rewards and the scale on which responses are linear: y = (f(r) - centre) / spread.

    Attributes:
        link: f, the identity or the natural logarithm.
        low, high: smallest and largest reward that is paid; estimates are cut to this range.
        floor: rewards below it are raised to it before the logarithm (not used by the identity).
        centre, spread: mean and standard deviation of f over the log's rows. Under the logarithm the centre is raised so
            that estimates are right on average.
    """

    link: Link
    low: float
    high: float
    floor: float
    centre: float
    spread: float

    def to_scale(self, rewards: Tensor) -> Tensor:
        """Map rewards of shape (n, ...) to y, of the same shape and dtype."""
        linked = rewards.clamp_min(self.floor).log() if self.link == "log" else rewards
        return (linked - self.centre) / self.spread

    def to_reward(self, y: Tensor) -> Tensor:
        """Map y of shape (n, ...) to rewards, cut to `low`..`high`: the inverse of `to_scale`."""
        linked = y * self.spread + self.centre
        return (linked.exp() if self.link == "log" else linked).clamp(self.low, self.high)

    def slope(self, rewards: Tensor) -> Tensor:
        """The derivative of rewards with respect to y, at `rewards` of shape (n, ...); the same shape."""
        return rewards * self.spread if self.link == "log" else torch.full_like(rewards, self.spread)


@dataclass(frozen=True)
class FactorResponses:
    """Posteriors of U users' factors, and the responses to I items. d = 1 + size; the user's bias comes first.

    All tensors are float32, on the standardised scale `scale`. Indices are those of the log's vocabularies.

    Attributes:
        intercepts: (I,), an average user's response.
        loadings: (I, d), added to the response for a unit of each factor of the user. The first column is 1, for the bias.
        noise: (I,) variance of a response around its mean: the log's noise plus the uncertainty of the item's loadings.
        log_noise: variance of a logged response around its mean.
        user_means: (U, d).
        user_covariances: (U, d, d).
        scale: the map between rewards and y.
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
        """d, the number of a user's factors with the bias."""
        return self.loadings.shape[1]

    @property
    def link(self) -> Link:
        """The scale on which responses are linear: the identity or the natural logarithm of rewards."""
        return self.scale.link

    def to_scale(self, rewards: Tensor) -> Tensor:
        """Map rewards of shape (n, ...) to y, of the same shape."""
        return self.scale.to_scale(rewards)

    def to_reward(self, y: Tensor) -> Tensor:
        """Map y of shape (n, ...) to rewards in the paid range, of the same shape."""
        return self.scale.to_reward(y)

    def expected(self, users: Tensor, items: Tensor) -> Tensor:
        """E y of the pairs of `users` (n,) and `items` (n,); (n,)."""
        parts = zip(torch.split(users, PAIRS_AT_ONCE), torch.split(items, PAIRS_AT_ONCE), strict=True)
        return torch.cat([self.intercepts[i] + (self.loadings[i] * self.user_means[u]).sum(dim=1) for u, i in parts])

    def within(self, low: float, high: float) -> "FactorResponses":
        """The same responses with `low` and `high` as the smallest and largest reward that is paid."""
        return replace(self, scale=replace(self.scale, low=low, high=high))

    def of(self, users: Tensor, items: Tensor) -> "FactorResponses":
        """The responses of `users` (n,) to `items` (m,), in that order: the rows and columns of a world.

        The tensors themselves are taken if these are all users or all items in their order. So they are in memory once, and
        are sent once to another machine.
        """
        rows, columns = _place(users, len(self.user_means)), _place(items, len(self.intercepts))
        return replace(
            self,
            intercepts=_chosen(self.intercepts, columns),
            loadings=_chosen(self.loadings, columns),
            noise=_chosen(self.noise, columns),
            user_means=_chosen(self.user_means, rows),
            user_covariances=_chosen(self.user_covariances, rows),
        )


def _place(indices: Tensor, n: int) -> Tensor | None:
    """`indices` (n',) into n entities; None if they are all entities in order."""
    whole = len(indices) == n and torch.equal(indices, torch.arange(n, device=indices.device))
    return None if whole else indices


def _chosen(tensor: Tensor, place: Tensor | None) -> Tensor:
    return tensor if place is None else tensor[place]
