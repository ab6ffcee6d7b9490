"""ROLeR's averaging of estimates over each user's nearest users (protocol section 7), and cosines between users."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from darlr.rewards.nearest import CellSearch, find_nearest, unit_rows
from darlr.rewards.settings import NeighbourConfig, NeighbourUncertainty

BLOCK = 1024
"""The number of users whose rows are averaged, or whose cosines are computed, at once."""


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


def shape_by_neighbours(
    estimates: Tensor, uncertainty: Tensor, config: NeighbourConfig
) -> tuple[Tensor, Tensor, CellSearch | None]:
    """Return ROLeR's estimates and uncertainty, (n_users, n_items) each, from the rows of the k nearest users; and figures
    about the search for them, unless it was exact.

    `config.weighting` chooses the estimates: the neighbours' mean; their sum weighted by cosines; that sum divided by k; or
    a sum with weights that add up to 1, in which negative cosines count as 0. `config.uncertainty` chooses the uncertainty:
    0, the world model's, the variance over the neighbours, or a statistic of 1 - cosine, the same for all items.
    """
    nearest = find_nearest(unit_rows(estimates, config.centred), config.users, True, config)
    neighbours, cosines, search = nearest.users, nearest.cosines, nearest.search
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
        return shaped, variance, search
    if config.uncertainty == "model":
        return shaped, uncertainty, search
    return shaped, STATISTICS[config.uncertainty](1 - cosines)[:, None].expand_as(estimates), search
