"""Rewards that break the contract in one way get a message about it."""

import pytest
import torch
from torch import Tensor

from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.kinds import REWARDS, RewardKind, RewardParts
from darlr.rewards.source import RewardSource
from darlr.rewards.table import TableReward
from darlr.testing import check_reward
from darlr.world.window import Window


@pytest.mark.parametrize("name", REWARDS)
def test_ours_keep_it(name: str) -> None:
    check_reward(REWARDS[name])


def plain(parts: RewardParts) -> TableReward:
    table = parts.learned.rewards.table()
    return TableReward(table, float(table.min()), float(table.max()))


class Centred(TableReward):
    """Pays a row's difference from the mean of its batch."""

    def pay(self, users: Tensor, items: Tensor, window: Window) -> Tensor:
        paid = super().pay(users, items, window)
        return (paid - paid.mean()).clamp(self.low, self.high)


class Worn(TableReward):
    """Pays less for recommendations that were paid before."""

    def pay(self, users: Tensor, items: Tensor, window: Window) -> Tensor:
        paid = super().pay(users, items, window)
        self.estimates = KeptEstimates(self.table * 0.9 + self.low * 0.1)
        return paid


def unbounded(parts: RewardParts) -> RewardSource:
    return TableReward(parts.learned.rewards.table(), 0.0, 1.0)


def constant(parts: RewardParts) -> RewardSource:
    return TableReward(torch.ones_like(parts.learned.rewards.table()), 0.0, 1.0)


def of_integers(parts: RewardParts) -> RewardSource:
    return TableReward(parts.learned.rewards.table().double(), 0.0, 6.0)


def greedy(parts: RewardParts) -> RewardSource:
    parts.learned.rewards.table().sub_(0.1)
    return plain(parts)


def noisy(parts: RewardParts) -> RewardSource:
    table = parts.learned.rewards.table()
    return TableReward(table + torch.rand_like(table), 0.0, 7.0)


def entropic(parts: RewardParts) -> RewardSource:
    assert parts.entropy is not None
    return plain(parts)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (unbounded, r"it pays .* expected 0 to 1, its bounds"),
        (constant, "pays the same for everything"),
        (of_integers, "what it pays is torch.float64; expected torch.float32"),
        (greedy, "changes the estimates"),
        (noisy, "two rewards of the same parts pay differently"),
        (lambda parts: Centred(parts.learned.rewards.table(), -6.0, 6.0), "depends on the other rows"),
        (lambda parts: Worn(parts.learned.rewards.table(), 0.0, 6.0), "on earlier rewards"),
        (lambda parts: None, "raises AttributeError"),
    ],
)
def test_what_breaks_the_contract_is_named(build: object, message: str) -> None:
    with pytest.raises(AssertionError, match=rf"^reward 'other'.*{message}"):
        check_reward(RewardKind("other", "", build))  # type: ignore[arg-type]


def test_one_that_cannot_do_without_the_entropy_term_is_told() -> None:
    with pytest.raises(AssertionError, match=r"^reward 'entropic'"):
        check_reward(RewardKind("entropic", "", entropic))
