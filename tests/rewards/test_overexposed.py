"""The reward of CIRS's planning stage, on numbers worked by hand."""

from math import exp

import pytest
import torch

from darlr.errors import RunError
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.overexposed import OverexposedReward
from darlr.world.similarity import SharedCategories
from tests.worlds import membership_of, window_of

# Items 0 and 1 share one of two categories, 2 has one of its own.
SIMILARITY = SharedCategories(membership_of([[0], [0, 1], [2]]))
START, ABSENT = 3, 4
ALPHA, BETA = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.5, -1.0])


def reward(table: list[list[float]], weight: float = 10.0) -> OverexposedReward:
    return OverexposedReward(KeptEstimates(torch.tensor(table)), SIMILARITY, ALPHA, BETA, 4.0, weight)


def test_what_is_paid() -> None:
    found = reward([[1.0, 3.0, 5.0], [2.0, 4.0, 5.0]])
    window = window_of([[ABSENT, START], [START, 0], [0, 1], [2, 2]])
    paid = found.pay(torch.tensor([0, 1, 0, 0]), torch.tensor([1, 1, 0, 2]), window)
    # Less 1, the least interest. Item 0 is at a distance of 2 from item 1 and of 1 from itself.
    second = 3 / (1 + 10 * 2 * 0.5 * exp(-2 / 4))
    third = 0.0
    fourth = 4.0  # an item cannot make a user like more of it
    assert paid.tolist() == pytest.approx([2.0, second, third, fourth])
    assert (found.low, found.high) == (0.0, 4.0)


def test_without_a_weight_interest_is_paid() -> None:
    found = reward([[0.0, 3.0, 5.0], [2.0, 4.0, 5.0]], weight=0.0)
    paid = found.pay(torch.tensor([0, 1]), torch.tensor([1, 0]), window_of([[0, 1], [0, 0]]))
    assert paid.tolist() == [3.0, 2.0]


def test_interests_that_are_all_alike_are_refused() -> None:
    with pytest.raises(RunError, match="all interests are equal"):
        reward([[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]])
