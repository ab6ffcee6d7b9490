"""How far the rewards that are learned from lie from the truth (Figure 4): mean absolute differences, in units of reward.

Cells that the truth lacks (`unknown`: (n_users, n_items) bool) count for nothing.
"""

import torch
from torch import Tensor

CELLS_AT_ONCE = 4_000_000
"""Cells that are compared at a time; bounds the memory of a truth that is a memory map."""


def table_error(estimates: Tensor, truth: Tensor, unknown: Tensor | None = None) -> float:
    """Over all users and items; estimates, truth: (n_users, n_items)."""
    total, count = torch.zeros((), dtype=torch.float64, device=estimates.device), 0
    step = max(1, CELLS_AT_ONCE // estimates.shape[1])
    for start in range(0, len(estimates), step):
        block = slice(start, start + step)
        differences = (estimates[block] - truth[block]).abs_()
        known = differences if unknown is None else differences[~unknown[block]]
        total += known.sum(dtype=torch.float64)
        count += known.numel()
    return float(total) / count


def sampled_error(estimates: Tensor, truth: Tensor, users: Tensor, items: Tensor, unknown: Tensor | None = None) -> float:
    """Over the recommendations `users`, `items` (n,); what was recommended twice counts twice."""
    if unknown is not None:
        known = ~unknown[users, items]
        users, items = users[known], items[known]
    return float((estimates[users, items] - truth[users, items]).abs().mean(dtype=torch.float64))
