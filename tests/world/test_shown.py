"""The features of a step, worked by hand and beside plain lists."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from darlr.world.categories import CategoryMemory
from darlr.world.hazard import FEATURES
from darlr.world.shown import Shown, features
from tests.worlds import membership_of

CATEGORIES = [[0], [1], [0, 1], [2], []]
ABSENT = len(CATEGORIES) + 1
START = len(CATEGORIES)


def test_a_first_and_a_third_step() -> None:
    shown = Shown(
        items=torch.tensor([3, 0]),
        rewards=torch.tensor([0.25, 1.0]),
        recent=torch.tensor([[ABSENT, ABSENT, START], [START, 0, 2]]),
        recent_rewards=torch.tensor([[0.9, 0.9, 0.9], [0.9, 0.5, 0.0]]),  # those of start and absence are not read
        steps=torch.tensor([1, 3]),
    )
    found = features(shown, CategoryMemory(membership_of(CATEGORIES)))
    # The item 0 shares its category with both earlier items, and is one of them.
    expected = [[1, 0, 0.25, 0.25, 0, 0], [1, math.log(3), 1.0, 0.5, 2, 1]]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_items_without_categories_share_none() -> None:
    shown = Shown(torch.tensor([1]), torch.tensor([0.5]), torch.tensor([[1, 1]]), torch.ones(1, 2), torch.tensor([3]))
    found = features(shown, CategoryMemory(torch.zeros(3, 0, dtype=torch.bool)))
    assert dict(zip(FEATURES, found[0].tolist(), strict=True))["shared_categories"] == 0


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1)), min_size=1, max_size=6), st.integers(1, 3))
def test_equals_the_slow_way(past: list[tuple[int, float]], window: int) -> None:
    (item, reward), earlier = past[-1], past[:-1][-window:]
    filled = [(START, 1.0)] * (window - len(earlier)) + earlier
    shown = Shown(
        items=torch.tensor([item]),
        rewards=torch.tensor([reward]),
        recent=torch.tensor([[other for other, _ in filled]]),
        recent_rewards=torch.tensor([[paid for _, paid in filled]]),
        steps=torch.tensor([len(past)]),
    )
    shared = [sum(category in CATEGORIES[other] for other, _ in earlier) for category in CATEGORIES[item]]
    expected = [
        1.0,
        math.log(len(past)),
        reward,
        (reward + sum(paid for _, paid in earlier)) / (1 + len(earlier)),
        max(shared, default=0),
        sum(other == item for other, _ in earlier),
    ]
    assert features(shown, CategoryMemory(membership_of(CATEGORIES)))[0].tolist() == pytest.approx(expected, abs=1e-6)
