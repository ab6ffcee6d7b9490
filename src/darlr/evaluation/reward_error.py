"""How far the rewards that are learned from lie from the truth (Figure 4): mean absolute differences, in units of reward."""

import torch
from torch import Tensor


def table_error(estimates: Tensor, truth: Tensor) -> float:
    """Over all users and items; estimates, truth: (n_users, n_items)."""
    return float((estimates - truth).abs().mean(dtype=torch.float64))


def sampled_error(estimates: Tensor, truth: Tensor, users: Tensor, items: Tensor) -> float:
    """Over the recommendations `users`, `items` (n,); what was recommended twice counts twice."""
    return float((estimates[users, items] - truth[users, items]).abs().mean(dtype=torch.float64))
