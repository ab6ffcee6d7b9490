"""Nearest items by hand, and beside implicit's."""

import numpy as np
import pytest
import torch

from darlr.agents.supervised import item_weights
from darlr.agents.supervised.item_knn import ITEM_KNN, Neighbourhood, nearest_items
from darlr.agents.supervised.supervised import Played
from tests.agents.supervised.pairs import pairs_of, random_pairs, two_tastes
from tests.worlds import CPU, window_of


def test_three_items_by_hand() -> None:
    # Item 0 has users 0 and 1, item 1 has user 1, item 2 user 2: only 0 and 1 share somebody, 1 / (sqrt 2 * 1 + h).
    pairs = pairs_of([(0, 0), (1, 0), (1, 1), (2, 2)], 3, 3)
    plain, shrunk = (nearest_items(pairs, Neighbourhood(1, shrinkage)) for shrinkage in (0.0, 2.0))
    assert plain.items[:2, 0].tolist() == [1, 0]
    assert plain.similarities[:, 0].tolist() == pytest.approx([2**-0.5, 2**-0.5, 0.0])
    assert shrunk.similarities[0, 0].item() == pytest.approx(1 / (2**0.5 + 2))


def test_items_that_nobody_likes_are_like_nothing() -> None:
    found = nearest_items(pairs_of([(0, 0)], 1, 3), Neighbourhood(5, 0.0))
    assert found.items.shape == (3, 2)
    assert not found.similarities.any()


def test_scores_are_sums_over_the_neighbours_that_the_user_likes() -> None:
    pairs = random_pairs(12, 10)
    neighbourhood = Neighbourhood(3, 1.0)
    x = pairs.matrix().to_dense()
    lengths = x.norm(dim=0)
    similar = (x.T @ x) / (torch.outer(lengths, lengths) + 1.0)
    similar.fill_diagonal_(0.0)
    expected = torch.zeros(12, 10)
    for item in range(10):
        nearest = similar[item].topk(3).indices
        expected[:, item] = x[:, nearest] @ similar[item, nearest]
    weights = nearest_items(pairs, neighbourhood).weights(10)
    torch.testing.assert_close((weights @ x.T).T, expected)


def test_similarities_are_those_of_implicit() -> None:
    nearest = pytest.importorskip("implicit.nearest_neighbours", reason="implicit is not installed: pip install darlr[compare]")
    import scipy.sparse

    pairs = random_pairs(40, 15, seed=3)
    matrix = scipy.sparse.csr_matrix(pairs.matrix(torch.float64).to_dense().numpy())
    model = nearest.CosineRecommender(K=6)  # with the item itself
    model.fit(matrix, show_progress=False)
    theirs = model.similarity.toarray()
    np.fill_diagonal(theirs, 0.0)
    ours = nearest_items(pairs, Neighbourhood(5, 0.0)).weights(15).to_dense()
    np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-5)


def test_it_recommends_what_those_of_the_same_taste_like() -> None:
    dataset = two_tastes()
    scorer = ITEM_KNN.scorer(ITEM_KNN.fit(dataset, np.random.default_rng(0)), Played(dataset, (0.0, 1.0), CPU))
    best = scorer(torch.arange(4), window_of([[20, 20]] * 4)).topk(9, dim=1).indices
    assert (best % 2).tolist() == [[user % 2] * 9 for user in range(4)]


def test_many_users_are_looked_at_for_few_items_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, neighbourhood = random_pairs(12, 10), Neighbourhood(3, 1.0)
    whole = nearest_items(pairs, neighbourhood)
    monkeypatch.setattr(item_weights, "CELLS_AT_ONCE", 40)
    parts = nearest_items(pairs, neighbourhood)
    assert torch.equal(parts.items, whole.items)
    assert torch.equal(parts.similarities, whole.similarities)
