"""The error of the rewards that are learned from (Figure 4): mean absolute differences to the truth, in units of reward.

Cells that the truth lacks (`unknown`: (n_users, n_items) bool) are left out.
"""

import torch
from torch import Tensor

from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import estimates_of


def table_error(estimates: Estimates | Tensor, truth: Tensor, unknown: Tensor | None = None) -> float:
    """Return the error over all users and items; estimates, truth: (n_users, n_items)."""
    asked = estimates_of(estimates)
    total, count = torch.zeros((), dtype=torch.float64, device=asked.device), 0
    for block, rows in asked.blocks():
        differences = (rows - truth[block]).abs_()
        known = differences if unknown is None else differences[~unknown[block]]
        total += known.sum(dtype=torch.float64)
        count += known.numel()
    return float(total) / count


def sampled_error(
    estimates: Estimates | Tensor, truth: Tensor, users: Tensor, items: Tensor, unknown: Tensor | None = None
) -> float:
    """Return the error over the recommendations `users`, `items` (n,); a repeated recommendation counts twice."""
    if unknown is not None:
        known = ~unknown[users, items]
        users, items = users[known], items[known]
    return float((estimates_of(estimates).cells(users, items) - truth[users, items]).abs().mean(dtype=torch.float64))
