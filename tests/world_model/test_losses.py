import math

import numpy as np
import torch

from darlr.world_model.losses import NegativeSampler, gaussian_loss, inverse_counts
from tests.worlds import draws


def test_gaussian_loss() -> None:
    mean, target = torch.tensor([3.0, 3.0]), torch.tensor([1.0, 1.0])
    log_variance = torch.tensor([0.0, math.log(4)])
    # (3 - 1)^2 e^0 + 0 = 4; (3 - 1)^2 / 4 + ln 4 = 1 + ln 4
    torch.testing.assert_close(gaussian_loss(mean, log_variance, target), torch.tensor([4.0, 1 + math.log(4)]))


def test_negatives_avoid_the_log_as_far_as_three_tries_go() -> None:
    # All pairs of user 0 are logged, none of user 1: half of all pairs, so three tries all fail in 1 of 8 cases.
    sampler = NegativeSampler(torch.zeros(6, dtype=torch.long), torch.arange(6), n_users=2, n_items=6)
    users, items = sampler.draw((4, 2000), draws())
    assert users.shape == items.shape == (4, 2000)
    assert abs(float((users == 0).float().mean()) - 0.125) < 0.015  # four standard deviations of 8,000 draws
    counts = torch.bincount(items[users == 1], minlength=6)
    assert counts.min() > 0.9 * counts.float().mean()


def test_inverse_counts_have_mean_one() -> None:
    # Three rows about item 4, one about item 0: 1/3, 1/3, 1, 1/3, whose mean is 1/2.
    weights = inverse_counts(np.array([4, 4, 0, 4], np.int32))
    np.testing.assert_allclose(weights, [2 / 3, 2 / 3, 2, 2 / 3], rtol=1e-6)
