"""The world model's losses: Gaussian (protocol section 4: (y' - y)^2 e^-s + s, s the predicted log-variance), or squared."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def gaussian_loss(mean: Tensor, log_variance: Tensor, target: Tensor) -> Tensor:
    """Twice the negative log-likelihood of `target`, without its constant; elementwise, any shape."""
    return (mean - target).square() * torch.exp(-log_variance) + log_variance


def inverse_counts(items: NDArray[np.int32]) -> NDArray[np.float32]:
    """(n,) the weights of logged rows about `items` (n,) by inverse propensity: 1 / (rows about the item), of mean 1."""
    weights = 1.0 / np.bincount(items)[items]
    scaled: NDArray[np.float32] = (weights / weights.mean()).astype(np.float32)
    return scaled


class NegativeSampler:
    """Draws random (user, item) pairs as negatives, avoiding logged pairs as far as three tries go.

    Their target is the smallest reward that a user can give. The references pair each logged row with random pairs whose target
    is 0, and accept the third try whatever it is
    (protocol section 4).
    """

    TRIES = 3

    def __init__(self, users: Tensor, items: Tensor, n_users: int, n_items: int) -> None:
        self.n_users, self.n_items = n_users, n_items
        self._logged = torch.unique(users.long() * n_items + items.long())  # sorted keys

    def draw(self, shape: tuple[int, ...], generator: torch.Generator, own: slice = slice(None)) -> tuple[Tensor, Tensor]:
        """Users and items, each int64 of `shape`; of its first dimension the places `own` alone, who are drawn the same."""
        size = self.n_users * self.n_items
        keys = torch.randint(size, shape, generator=generator, device=generator.device)[own]
        for _ in range(self.TRIES - 1):
            place = torch.searchsorted(self._logged, keys).clamp_(max=len(self._logged) - 1)
            fresh = torch.randint(size, shape, generator=generator, device=generator.device)[own]
            keys = torch.where(self._logged[place] == keys, fresh, keys)
        return keys // self.n_items, keys % self.n_items
