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


def drawn_users(*counts: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make users with these numbers of rows, shuffled; scores are correlated with the rewards, except for user 0."""
    random = np.random.default_rng(0)
    users = random.permutation(np.repeat(np.arange(len(counts)), counts))
    rewards = random.integers(3, size=len(users)).astype(np.float32)
    scores = np.where(users == 0, 0.0, rewards) + random.normal(size=len(users))
    return users, rewards, scores.astype(np.float32)


def test_a_sample_of_many_pairs_is_near_the_whole_and_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = drawn_users(300, 1, 200, 2, 100)
    whole = pairwise_accuracy(*rows)
    assert pairwise_accuracy(*rows, np.random.default_rng(1)) == whole  # few enough
    monkeypatch.setattr("darlr.world_model.ranking.MAX_PAIRS", 40_000)  # of 69,701: the standard error is below 0.003
    first, again, other = (pairwise_accuracy(*rows, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert whole == pytest.approx(0.65, abs=0.1)
    assert [first, other] == pytest.approx([whole, whole], abs=0.012)


def test_a_sample_pairs_rows_of_one_user_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # Within a user the order is right, between users it is wrong.
    users = np.array([0, 0, 1, 1, 1, 2])
    rewards = np.array([1, 2, 11, 12, 13, 20], np.float32)
    scores = np.array([31, 32, 21, 22, 23, 0], np.float32)
    monkeypatch.setattr("darlr.world_model.ranking.MAX_PAIRS", 3)  # of 4
    assert all(pairwise_accuracy(users, rewards, scores, np.random.default_rng(seed)) == 1.0 for seed in range(50))


def test_a_sample_without_different_rewards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darlr.world_model.ranking.MAX_PAIRS", 3)
    zeros = np.zeros(9, np.float32)
    assert math.isnan(pairwise_accuracy(np.zeros(9, np.int64), zeros, zeros, np.random.default_rng(0)))


def test_one_user_with_a_million_rows_is_quickly_ranked() -> None:
    """All pairs would be 5e11."""
    rewards = np.random.default_rng(0).random(1_000_000, dtype=np.float32)
    assert pairwise_accuracy(np.zeros(len(rewards), np.int64), rewards, rewards, np.random.default_rng(0)) == 1.0


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
