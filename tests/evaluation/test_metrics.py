from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from darlr.data.log import InteractionLog
from darlr.evaluation.metrics import (
    category_domination,
    category_shares,
    coverage,
    coverage_per_recommendation,
    dominant_categories,
    episode_length,
    episode_return,
    liked_shares,
    step_reward,
)
from tests.worlds import catalog_of, log_of

REWARDS = torch.tensor([[1.0, 2.0, 0.0], [4.0, 0.0, 0.0]])  # two steps, and one
LENGTHS = torch.tensor([2, 1])
ITEMS = torch.tensor([0, 2, 2])


def test_rewards_and_lengths() -> None:
    assert episode_return(REWARDS) == pytest.approx(7 / 2)
    assert step_reward(REWARDS, LENGTHS) == pytest.approx(7 / 3)
    assert episode_length(LENGTHS) == pytest.approx(3 / 2)
    assert episode_length(LENGTHS) * step_reward(REWARDS, LENGTHS) == pytest.approx(episode_return(REWARDS))


def test_coverage() -> None:
    assert coverage(ITEMS, n_items=8) == pytest.approx(2 / 8)
    assert coverage_per_recommendation(ITEMS) == pytest.approx(2 / 3)


def test_category_domination_counts_recommendations() -> None:
    assert category_domination(ITEMS, torch.tensor([True, False, False])) == pytest.approx(1 / 3)
    assert category_domination(ITEMS, torch.tensor([False, False, True])) == pytest.approx(2 / 3)


def test_shares_of_categories() -> None:
    membership = torch.tensor([[True, False, True], [True, True, True], [True, True, False]])
    assert category_shares(ITEMS, membership).tolist() == pytest.approx([1.0, 2 / 3, 1 / 3])


def log_with(counts: list[int]) -> InteractionLog:
    """Item c, whose category is c, is logged `counts[c]` times."""
    rows = [(0, item, 1.0) for item, count in enumerate(counts) for _ in range(count)]
    return log_of(rows, 1, len(counts))


@pytest.mark.parametrize(
    ("counts", "dominant"),
    [
        ([1, 4, 2, 2, 1], [1, 2, 3]),  # 0.4, 0.6, 0.8: exactly the bound is within it
        ([12, 7, 6, 3, 3, 3, 1], [0, 1, 2, 3]),  # 28 of 35, which adds up to a little more in floating point
        ([5, 4, 1], [0]),  # 0.5, 0.9: stops before the second
        ([1, 9], [1]),  # 0.9 is too much already, but one is taken
        ([7, 1, 1, 1], [0, 1]),  # 0.7, 0.8: of equals the first
        ([3, 0, 0], [0]),
    ],
)
def test_dominant_categories(counts: list[int], dominant: list[int]) -> None:
    found = dominant_categories(log_with(counts), catalog_of([[code] for code in range(len(counts))]))
    assert found.nonzero()[0].tolist() == dominant


def test_shares_of_categories_in_the_liked_rows() -> None:
    rows = [(0, 0, 5.0), (1, 0, 4.0), (0, 1, 1.0), (2, 2, 4.0)]
    catalog = catalog_of([[0, 1], [2], [1]])  # liked: item 0 twice and item 2 once
    assert liked_shares(log_of(rows, 3, 3, positive_threshold=4.0), catalog).tolist() == pytest.approx([2 / 3, 1.0, 0.0])
    assert liked_shares(log_of(rows, 3, 3, positive_threshold=6.0), catalog).tolist() == [0.0, 0.0, 0.0]


def test_no_category_dominates_where_nothing_is_liked() -> None:
    log = log_of([(0, 0, 1.0), (1, 1, 2.0)], 2, 2, positive_threshold=4.0)
    assert not dominant_categories(log, catalog_of([[0], [1]])).any()


def test_dominant_categories_of_the_liked_rows() -> None:
    rows = [(0, 0, 5.0), (1, 0, 4.0), (0, 1, 1.0), (1, 1, 1.0), (2, 1, 1.0), (2, 2, 4.0)]
    catalog = catalog_of([[0, 1], [2], [1]])  # liked: item 0 twice, item 2 once, so categories 0, 1 and 2 count 2, 3 and 0
    found = dominant_categories(log_of(rows, 3, 3, positive_threshold=4.0), catalog)
    assert found.tolist() == [False, True, False]  # 3/5, then 5/5
    everything = dominant_categories(log_of(rows, 3, 3), catalog)
    assert everything.tolist() == [False, True, True]  # 2, 3 and 3 of 8: 6/8


@given(st.lists(st.integers(0, 12), min_size=1, max_size=8).filter(any))
def test_dominant_categories_equal_exact_arithmetic(counts: list[int]) -> None:
    order = sorted(range(len(counts)), key=lambda code: (-counts[code], code))
    taken, share = [], Fraction(0)
    for code in order:
        share += Fraction(counts[code], sum(counts))
        if share > Fraction(8, 10):
            break
        taken.append(code)
    found = dominant_categories(log_with(counts), catalog_of([[code] for code in range(len(counts))]))
    assert found.nonzero()[0].tolist() == sorted(taken or order[:1])
