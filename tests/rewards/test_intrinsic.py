"""The intrinsic reward, on numbers that were worked by hand."""

from math import log

import pytest
import torch

from darlr.errors import RunError
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.intrinsic import IntrinsicReward, diversities, novelties
from darlr.rewards.settings import RewardConfig
from darlr.world.similarity import SharedCategories
from tests.worlds import dataset_of, log_of, membership_of, window_of

# Items 0 and 1 share one of two categories, 2 has one of its own, 3 has none.
MEMBERSHIP = membership_of([[0], [0, 1], [2], []])
START, ABSENT = 4, 5
TABLE = KeptEstimates(torch.tensor([[1.0, 2.0, 3.0, 5.0]]))
NOVELTY = torch.tensor([0.0, 1.0, 2.0, 3.0])


def test_diversity_is_a_mean_over_what_was_recommended() -> None:
    similarity = torch.tensor([[0.5, 1.0, 0.0], [0.0, 0.0, 0.0]])
    present = torch.tensor([[True, True, False], [False, False, False]])
    assert diversities(similarity, present).tolist() == [0.25, 0.0]


def test_what_is_paid() -> None:
    config = RewardConfig(diversity_weight=2.0, novelty_weight=0.5)
    reward = IntrinsicReward(TABLE, SharedCategories(MEMBERSHIP), NOVELTY, config)
    window = window_of([[START, 0], [ABSENT, START], [0, 2]])
    paid = reward.pay(torch.tensor([0, 0, 0]), torch.tensor([1, 3, 1]), window)
    # Shifted by 1, the least estimate with the least novelty: 1 + 2 (1 - 1/2) + 1/2; 4 + 0 + 3/2; 1 + 2 (1/2 + 1) / 2 + 1/2.
    assert paid.tolist() == pytest.approx([2.5, 5.5, 3.0])
    assert (reward.low, reward.high) == (0.0, 5.0 + 2.0 + 1.5 - 1.0)


def test_novelty_is_how_few_users_like_an_item() -> None:
    rows = [(0, 0, 5.0), (1, 0, 4.0), (2, 0, 1.0), (3, 1, 5.0), (0, 1, 1.0), (1, 2, 1.0)]
    found = novelties(dataset_of(log_of(rows, 4, 3, positive_threshold=4.0)))
    assert found.tolist() == pytest.approx([-log(2 / 4), -log(1 / 4), -log(1 / 4)])  # nobody likes the last one


def test_a_reward_that_is_the_same_for_everything_is_refused() -> None:
    same = KeptEstimates(torch.ones(1, 4))
    config = RewardConfig(diversity_weight=0.0, novelty_weight=0.0)
    with pytest.raises(RunError, match="all rewards are equal"):
        IntrinsicReward(same, SharedCategories(MEMBERSHIP), NOVELTY, config)
