"""The rows that count as liked, and their weights."""

import numpy as np
import pytest
import torch

from darlr.agents.supervised.preferences import Preferences, liking_threshold, nothing_liked
from tests.agents.supervised.pairs import pairs_of, random_pairs
from tests.worlds import log_of


def test_a_pair_weighs_the_mean_of_its_liked_rows() -> None:
    # Of stars 1 to 5 that count from 3 on: (0, 1) has 3 and 5, of mean 4; a 2 is not liked, whatever else the pair has.
    rows = [(1, 0, 5.0), (0, 1, 3.0), (0, 1, 5.0), (0, 2, 2.0), (0, 0, 3.0), (1, 2, 4.0), (1, 2, 1.0)]
    found = Preferences.of(log_of(rows, 2, 3, times=[1, 2, 9, 4, 5, 6, 7], reward_range=(1.0, 5.0), positive_threshold=3.0))
    assert list(zip(found.users.tolist(), found.items.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 2)]
    assert found.weights.tolist() == pytest.approx([0.5, 0.75, 1.0, 0.75])
    assert found.moments.tolist() == [5, 9, 1, 6]


def test_the_mean_of_all_rewards_is_the_threshold_where_the_log_has_none() -> None:
    log = log_of([(0, 0, 1.0), (0, 1, 2.0), (0, 2, 3.0)], 1, 3, reward_range=(1.0, 5.0))
    assert liking_threshold(log) == 2.0
    assert Preferences.of(log).items.tolist() == [1, 2]
    assert Preferences.of(log).weights.tolist() == [0.25, 0.5]


def test_positives_alone_weigh_1() -> None:
    log = log_of([(0, 0, 0.2), (0, 1, 0.9)], 1, 2, reward_range=(0.0, 1.0), positive_only=True)
    assert Preferences.of(log).weights.tolist() == [1.0, 1.0]


def test_a_log_without_liked_rows_says_so() -> None:
    rows = [(0, 0, 1.0), (0, 1, 2.0)]
    assert nothing_liked(log_of(rows, 1, 2, positive_threshold=4.0)) == "no row of the log counts as liked"
    assert nothing_liked(log_of(rows, 1, 2, positive_threshold=2.0)) == ""


def test_rows_matrix_and_turned_are_the_same_pairs() -> None:
    pairs = random_pairs(7, 5)
    dense = np.zeros((7, 5), np.float32)
    for user, item, weight in zip(pairs.users, pairs.items, pairs.weights, strict=True):
        dense[user, item] = weight
    expected = torch.from_numpy(dense)
    torch.testing.assert_close(pairs.matrix().to_dense(), expected)
    torch.testing.assert_close(pairs.rows(torch.tensor([3, 0, 3])), expected[[3, 0, 3]])
    torch.testing.assert_close(pairs.turned().matrix().to_dense(), expected.T)


def test_users_without_pairs_have_rows_of_zeros() -> None:
    pairs = pairs_of([(1, 0)], 3, 2)
    assert pairs.rows(torch.tensor([0, 1, 2])).tolist() == [[0, 0], [1, 0], [0, 0]]
    assert pairs.counts.tolist() == [0, 1, 0]
