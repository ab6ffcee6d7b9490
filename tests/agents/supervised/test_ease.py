"""EASE by hand, and as a ridge regression for each item."""

import numpy as np
import torch

from darlr.agents.supervised.ease import EASE, MOST_ITEMS, MOST_ITEMS_UNASKED, ease_weights
from darlr.agents.supervised.item_weights import co_liked
from darlr.agents.supervised.supervised import Played
from tests.agents.supervised.pairs import random_pairs, two_tastes
from tests.worlds import CPU, dataset_of, log_of, window_of


def test_two_items_by_hand() -> None:
    # Of two items each is regressed on the other: 3 / (4 + 2) and 3 / (5 + 2).
    weights = ease_weights(torch.tensor([[4.0, 3.0], [3.0, 5.0]]).double(), 2.0)
    torch.testing.assert_close(weights, torch.tensor([[0.0, 3 / 6], [3 / 7, 0.0]]).double())


def test_every_column_is_the_ridge_regression_on_the_other_items() -> None:
    pairs = random_pairs(25, 9)
    gram = co_liked(pairs, torch.arange(9), torch.float64)
    x = pairs.matrix(torch.float64).to_dense()
    torch.testing.assert_close(gram, x.T @ x)
    weights = ease_weights(gram, 0.7)
    for item in range(9):
        others = [other for other in range(9) if other != item]
        system = x[:, others].T @ x[:, others] + 0.7 * torch.eye(8, dtype=torch.float64)
        torch.testing.assert_close(weights[others, item], torch.linalg.solve(system, x[:, others].T @ x[:, item]))
        assert weights[item, item] == 0


def test_it_recommends_what_those_of_the_same_taste_like() -> None:
    dataset = two_tastes()
    learned = EASE.fit(dataset, np.random.default_rng(0))
    scorer = EASE.scorer(learned, Played(dataset, (0.0, 1.0), CPU))
    best = scorer(torch.arange(4), window_of([[20, 20]] * 4)).topk(9, dim=1).indices
    assert (best % 2).tolist() == [[user % 2] * 9 for user in range(4)]


def test_large_catalogues_are_left_out_with_a_reason() -> None:
    rows = [(0, 0, 1.0), (0, 1, 1.0)]
    small, asked, large = (dataset_of(log_of(rows, 1, n)) for n in (MOST_ITEMS_UNASKED, MOST_ITEMS, MOST_ITEMS + 1))
    assert [EASE.dear(dataset) for dataset in (small, asked)] == [False, True]
    assert [EASE.unfit(dataset) for dataset in (small, asked)] == ["", ""]
    assert EASE.unfit(large) == "the log has 12,001 items, and a matrix of their square is inverted; at most 12,000"
