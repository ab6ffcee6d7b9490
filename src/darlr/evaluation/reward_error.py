"""How far the rewards that are learned from lie from the truth (Figure 4): mean absolute differences, in units of reward.

Cells that the truth lacks (`unknown`: (n_users, n_items) bool) count for nothing.
"""

import torch
from torch import Tensor

from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import estimates_of


def table_error(estimates: Estimates | Tensor, truth: Tensor, unknown: Tensor | None = None) -> float:
    """Over all users and items; estimates, truth: (n_users, n_items)."""
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
    """Over the recommendations `users`, `items` (n,); what was recommended twice counts twice."""
    if unknown is not None:
        known = ~unknown[users, items]
        users, items = users[known], items[known]
    return float((estimates_of(estimates).cells(users, items) - truth[users, items]).abs().mean(dtype=torch.float64))
