"""The world model's estimates as a term of an actor's logits."""

import torch
from torch import Tensor, nn

from darlr.rewards.estimates.interface import CELLS_AT_ONCE, Estimates

AVERAGED = 1_000
"""The number of users, evenly spaced, whose mean stands for an unknown user if estimates are computed on request."""


class Prior(nn.Module):
    """Standardised estimates of all users and items, in a table or computed on request, and rows of users added later.

    Attributes:
        prior: (n, n_items) the rows in memory: those of all users, or, on request, of those added later alone.
    """

    prior: Tensor

    def __init__(self, estimates: Estimates | Tensor) -> None:
        """
        Args:
            estimates: (n_users, n_items), a table or on request.
        """
        super().__init__()
        self._asked = None if isinstance(estimates, Tensor) else estimates
        kept = estimates if isinstance(estimates, Tensor) else torch.zeros(0, estimates.n_items, device=estimates.device)
        self.register_buffer("prior", kept, persistent=False)

    def rows(self, users: Tensor) -> Tensor:
        """Return (B, n_items) of `users` (B,)."""
        if self._asked is None:
            return self.prior[users]
        if not len(self.prior):
            return self._asked.rows(users)
        known = users < len(self._asked)
        rows = self.prior[(users - len(self._asked)).clamp_min(0)]
        rows[known] = self._asked.rows(users[known])
        return rows

    def cells(self, users: Tensor, items: Tensor) -> Tensor:
        """Return (B, k) of `users` (B,) and their `items` (B, k)."""
        if self._asked is None:
            return self.prior[users[:, None], items]
        if not len(self.prior):
            return self._asked.cells(users[:, None], items)
        return self.rows(users).gather(1, items)

    def average(self) -> Tensor:
        """Return (1, n_items) the mean row, of at most `AVERAGED` users if estimates are computed on request."""
        asked = self._asked
        if asked is None:
            return self.prior.mean(dim=0, keepdim=True)
        some = torch.linspace(0, len(asked) - 1, min(AVERAGED, len(asked)), device=asked.device).round().long()
        parts = torch.split(some, max(1, CELLS_AT_ONCE // asked.n_items))
        total = torch.stack([asked.rows(part).sum(dim=0) for part in parts]).sum(dim=0, keepdim=True)
        return total / len(some)

    def append(self, rows: Tensor) -> None:
        """Add users with `rows` (m, n_items)."""
        self.prior = torch.cat([self.prior, rows])
