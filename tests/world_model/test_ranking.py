import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darlr.world_model.ranking import pairwise_accuracy


def accuracy(rows: list[tuple[int, float, float]]) -> float:
    users, rewards, scores = zip(*rows, strict=True)
    return pairwise_accuracy(np.array(users, np.int64), np.array(rewards, np.float32), np.array(scores, np.float32))


def test_pairs_of_one_user_with_different_rewards_count() -> None:
    rows = [
        *[(0, 1.0, 0.1), (1, 5.0, 0.2), (0, 2.0, 0.3), (0, 3.0, 0.2)],  # user 0: 1<2 and 1<3 right, 2<3 wrong
        *[(1, 4.0, 0.2), (2, 1.0, 0.9), (2, 1.0, 0.1)],  # user 1: a tie, one half; user 2: no pair
    ]
    assert accuracy(rows) == pytest.approx(2.5 / 4)


def test_nothing_to_compare() -> None:
    assert math.isnan(accuracy([(0, 1.0, 0.0), (1, 2.0, 1.0)]))


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2).map(float), st.integers(0, 2).map(float)), min_size=1, max_size=9)
)
def test_equals_a_loop_over_all_pairs(rows: list[tuple[int, float, float]]) -> None:
    points = []
    for user, reward, score in rows:
        for other_user, other_reward, other_score in rows:
            if user == other_user and reward < other_reward:
                points.append(1.0 if score < other_score else 0.5 if score == other_score else 0.0)
    if points:
        assert accuracy(rows) == pytest.approx(sum(points) / len(points))
    else:
        assert math.isnan(accuracy(rows))
