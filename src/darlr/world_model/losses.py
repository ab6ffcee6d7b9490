"""The world model's losses: squared, or Gaussian (protocol section 4: (y' - y)^2 e^-s + s, with s the predicted
log-variance).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def gaussian_loss(mean: Tensor, log_variance: Tensor, target: Tensor) -> Tensor:
    """Return twice the negative log-likelihood of `target`, without its constant; elementwise, of any shape."""
    return (mean - target).square() * torch.exp(-log_variance) + log_variance


def inverse_counts(items: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return (n,) the weights of logged rows about `items` (n,) by inverse propensity: 1 / (rows about the item), with mean
    1.
    """
    weights = 1.0 / np.bincount(items)[items]
    scaled: NDArray[np.float32] = (weights / weights.mean()).astype(np.float32)
    return scaled


class NegativeSampler:
    """Draws random (user, item) pairs as negatives; a logged pair is drawn again, up to three times.

    The target of a negative is the smallest reward that a user can give. The reference code uses the target 0, and also
    accepts the third try in any case (protocol section 4).
    """

    TRIES = 3

    def __init__(self, users: Tensor, items: Tensor, n_users: int, n_items: int) -> None:
        self.n_users, self.n_items = n_users, n_items
        self._logged = torch.unique(users.long() * n_items + items.long())  # sorted keys

    def draw(self, shape: tuple[int, ...], generator: torch.Generator, own: slice = slice(None)) -> tuple[Tensor, Tensor]:
        """Draw users and items, each int64 of `shape`, and return the places `own` of its first dimension.

        The draws for a place do not depend on `own`.
        """
        size = self.n_users * self.n_items
        keys = torch.randint(size, shape, generator=generator, device=generator.device)[own]
        for _ in range(self.TRIES - 1):
            place = torch.searchsorted(self._logged, keys).clamp_(max=len(self._logged) - 1)
            fresh = torch.randint(size, shape, generator=generator, device=generator.device)[own]
            keys = torch.where(self._logged[place] == keys, fresh, keys)
        return keys // self.n_items, keys % self.n_items
