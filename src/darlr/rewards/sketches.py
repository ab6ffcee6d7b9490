"""Sketches of users' rows of estimates: a few numbers each, whose products are about those of the rows."""

import torch
from torch import Tensor

from darlr.rewards.estimates.interface import Estimates

SIZE = 512
"""Numbers of a sketch."""

SAMPLED = 2 * SIZE
"""Users, spread evenly, whose rows say which directions rows have."""

ITEMS_AT_ONCE = 8_192


@torch.no_grad()
def sketches(estimates: Estimates, size: int = SIZE) -> Tensor:
    """(n_users, s) projections of all rows on the main directions of a sample of them; s is `size`, or less for few users.

    Directions are the right singular vectors of the sample with the largest singular values, from the eigenvectors of its
    products. A projection keeps lengths and angles as far as rows lie in the span of the directions; rows of a factor model do
    where there are as many as it has factors. What is lost is the recall that `benchmarks/kuairand_size.py` measures.
    """
    some = torch.linspace(0, estimates.n_users - 1, min(SAMPLED, estimates.n_users)).round().long()
    sample = estimates.rows(some.to(estimates.device))
    products = torch.zeros(len(sample), len(sample), dtype=torch.float64, device=sample.device)
    for columns in torch.split(sample, ITEMS_AT_ONCE, dim=1):  # the smaller directions drown in float32's rounding
        products += columns.double() @ columns.double().T
    values, vectors = torch.linalg.eigh(products)
    kept = (values > values[-1] * 1e-10).nonzero().squeeze(1)[-size:]
    directions = sample.T @ (vectors[:, kept] / values[kept].sqrt()).float()
    return torch.cat([rows @ directions for _, rows in estimates.blocks()])
