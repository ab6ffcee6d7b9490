"""How far the rewards that are learned from lie from the truth (Figure 4): mean absolute differences, in units of reward.

Cells that the truth lacks (`unknown`: (n_users, n_items) bool) count for nothing.
"""

import torch
from torch import Tensor


def table_error(estimates: Tensor, truth: Tensor, unknown: Tensor | None = None) -> float:
    """Over all users and items; estimates, truth: (n_users, n_items)."""
    differences = (estimates - truth).abs()
    return float((differences if unknown is None else differences[~unknown]).mean(dtype=torch.float64))


def sampled_error(estimates: Tensor, truth: Tensor, users: Tensor, items: Tensor, unknown: Tensor | None = None) -> float:
    """Over the recommendations `users`, `items` (n,); what was recommended twice counts twice."""
    if unknown is not None:
        known = ~unknown[users, items]
        users, items = users[known], items[known]
    return float((estimates[users, items] - truth[users, items]).abs().mean(dtype=torch.float64))
