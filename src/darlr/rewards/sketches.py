"""Sketches of users' rows of estimates: short vectors whose products approximate those of the rows."""

import torch
from torch import Tensor

from darlr.rewards.estimates.interface import Estimates

SIZE = 512
"""The length of a sketch."""

SAMPLED = 2 * SIZE
"""The number of users, evenly spaced, whose rows determine the directions."""

ITEMS_AT_ONCE = 8_192


@torch.no_grad()
def sketches(estimates: Estimates, size: int = SIZE) -> Tensor:
    """Return (n_users, s) projections of all rows on the main directions of a sample; s is `size`, or less for few users.

    The directions are the right singular vectors of the sample with the largest singular values, computed from the
    eigenvectors of its products. A projection preserves lengths and angles of rows in the span of the directions. All rows
    of a factor model lie there if `size` is at least its number of factors. `benchmarks/kuairand_size.py` measures the
    recall that is lost otherwise.
    """
    some = torch.linspace(0, estimates.n_users - 1, min(SAMPLED, estimates.n_users)).round().long()
    sample = estimates.rows(some.to(estimates.device))
    products = torch.zeros(len(sample), len(sample), dtype=torch.float64, device=sample.device)
    for columns in torch.split(sample, ITEMS_AT_ONCE, dim=1):  # smaller directions are below float32's rounding error
        products += columns.double() @ columns.double().T
    values, vectors = torch.linalg.eigh(products)
    kept = (values > values[-1] * 1e-10).nonzero().squeeze(1)[-size:]
    directions = sample.T @ (vectors[:, kept] / values[kept].sqrt()).float()
    return torch.cat([rows @ directions for _, rows in estimates.blocks()])
