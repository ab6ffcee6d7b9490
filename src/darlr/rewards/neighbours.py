"""Nearest users by predicted rows, and ROLeR's averaging of estimates over them (protocol section 7)."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from darlr.rewards.settings import NeighbourConfig, NeighbourUncertainty

BLOCK = 1024
"""The number of users compared at once; the matrix (users, users) is never whole in memory."""


def unit_rows(estimates: Tensor, centred: bool) -> Tensor:
    """Return the rows of `estimates` (n_users, n_items) scaled to length 1, so that their products are cosines.

    `centred` subtracts the item means first. Predicted rows are nearly parallel, so plain cosines hardly distinguish users.
    """
    rows = estimates - estimates.mean(dim=0) if centred else estimates
    return torch.nn.functional.normalize(rows, dim=1)


STATISTICS: Mapping[NeighbourUncertainty, Callable[[Tensor], Tensor]] = {
    "cosine_min": lambda distances: distances.amin(1),
    "cosine_mean": lambda distances: distances.mean(1),
    "cosine_max": lambda distances: distances.amax(1),
}
"""The uncertainty of a user, (n_users,), from the distances 1 - cosine to its neighbours, (n_users, k)."""

WHOLE_UP_TO = 4096
"""The largest number of users for whom all cosines are kept; with more users they are computed on request."""


class Cosines:
    """Cosines between users."""

    def __init__(self, estimates: Tensor, centred: bool) -> None:
        """
        Args:
            estimates: (n_users, n_items); not copied.
            centred: see `unit_rows`.
        """
        self._estimates = estimates
        self._means = estimates.mean(dim=0) if centred else None
        self._whole = None
        if len(estimates) <= WHOLE_UP_TO:
            rows = unit_rows(estimates, centred)
            self._whole = (rows @ rows.T).clamp_(-1.0, 1.0)

    def between(self, first: Tensor, second: Tensor) -> Tensor:
        """Return (n, K, L) cosines between the users `first` (n, K) and `second` (n, L)."""
        if self._whole is not None:
            return self._whole[first[:, :, None], second[:, None, :]]
        chunk = max(1, BLOCK // max(first.shape[1], second.shape[1]))
        parts = [
            self._unit(one) @ self._unit(other).transpose(1, 2)
            for one, other in zip(torch.split(first, chunk), torch.split(second, chunk), strict=True)
        ]
        return torch.cat(parts).clamp_(-1.0, 1.0)

    def _unit(self, users: Tensor) -> Tensor:
        """Return (n, K, n_items) rows of length 1."""
        rows = self._estimates[users]
        return torch.nn.functional.normalize(rows if self._means is None else rows - self._means, dim=2)


def nearest_users(rows: Tensor, count: int, include_self: bool) -> tuple[Tensor, Tensor]:
    """Return the `count` most similar users of each user and their cosines, (n_users, count) each, most similar first.

    The search is exact and works by blocks of matrix products. Each pair of users is compared once. With `include_self`, a
    user is always its own first neighbour (cosine 1).

    Args:
        rows: (n_users, n_items) of length 1.
        count: number of neighbours; at most the number of eligible users.
        include_self: whether a user may be its own neighbour.
    """
    blocks, numbers = torch.split(rows, BLOCK), torch.split(torch.arange(len(rows), device=rows.device), BLOCK)
    best = [(rows.new_empty(len(block), 0), numbers[0].new_empty(len(block), 0)) for block in blocks]

    def offer(products: Tensor, receiving: int, offered: int) -> None:
        """Merge the cosines to the users of another block into the best ones of the users of one block."""
        cosines, users = best[receiving]
        cosines = torch.cat([products, cosines], dim=1)
        users = torch.cat([numbers[offered].expand(len(products), -1), users], dim=1)
        top = cosines.topk(min(count, cosines.shape[1]), dim=1)
        best[receiving] = top.values, users.gather(1, top.indices)

    for first, block in enumerate(blocks):
        own = block @ block.T
        own.fill_diagonal_(float("inf") if include_self else float("-inf"))
        offer(own, first, first)
        for second in range(first + 1, len(blocks)):
            products = block @ blocks[second].T
            offer(products, first, second)
            offer(products.T, second, first)
    cosines, users = (torch.cat(parts) for parts in zip(*best, strict=True))
    return users, cosines.clamp_(max=1.0)


def neighbour_weights(cosines: Tensor, config: NeighbourConfig) -> Tensor:
    """Return (n_users, k) the weight of each neighbour's estimates, from the `cosines` (n_users, k); see
    `shape_by_neighbours`.
    """
    if config.weighting == "mean":
        return torch.full_like(cosines, 1 / config.users)
    if config.weighting == "normalised":
        positive = cosines.clamp(min=0.0)  # at least 1, the user's own cosine
        return positive / positive.sum(dim=1, keepdim=True)
    return cosines / (config.users if config.weighting == "divided" else 1)


def shape_by_neighbours(estimates: Tensor, uncertainty: Tensor, config: NeighbourConfig) -> tuple[Tensor, Tensor]:
    """Return ROLeR's estimates and uncertainty, (n_users, n_items) each, from the rows of the k nearest users.

    `config.weighting` chooses the estimates: the neighbours' mean; their sum weighted by cosines; that sum divided by k; or
    a sum with weights that add up to 1, in which negative cosines count as 0. `config.uncertainty` chooses the uncertainty:
    0, the world model's, the variance over the neighbours, or a statistic of 1 - cosine, the same for all items.
    """
    neighbours, cosines = nearest_users(unit_rows(estimates, config.centred), config.users, include_self=True)
    weights = neighbour_weights(cosines, config)
    shaped = torch.empty_like(estimates)
    spreads = config.uncertainty == "variance"
    variance = torch.empty_like(estimates) if spreads else torch.zeros(1, 1, device=estimates.device).expand_as(estimates)
    for start in range(0, len(estimates), BLOCK):
        block = slice(start, start + BLOCK)
        total = torch.zeros_like(estimates[block])
        square = torch.zeros_like(total)
        plain = torch.zeros_like(total)
        for place in range(config.users):
            rows = estimates[neighbours[block, place]]
            total += weights[block, place, None] * rows
            if spreads:
                plain += rows / config.users
                square += rows.square() / config.users
        shaped[block] = total
        if spreads:
            variance[block] = (square - plain.square()).clamp_(min=0.0)
    if config.uncertainty in ("none", "variance"):
        return shaped, variance
    if config.uncertainty == "model":
        return shaped, uncertainty
    return shaped, STATISTICS[config.uncertainty](1 - cosines)[:, None].expand_as(estimates)
