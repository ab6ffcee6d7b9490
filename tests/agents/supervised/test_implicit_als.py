"""Implicit ALS by hand, by loops, and beside implicit's."""

import numpy as np
import pytest
import torch

from darlr.agents.supervised import implicit_als
from darlr.agents.supervised.implicit_als import IMPLICIT_ALS, SWEEPS, Confidence, half_sweep, sweeps
from darlr.agents.supervised.supervised import Played
from tests.agents.supervised.pairs import pairs_of, random_pairs, two_tastes
from tests.worlds import CPU, draws, window_of


def test_one_factor_by_hand() -> None:
    # y = (1, 2), liked item 1 with weight 0.5, alpha 4: c = 3. x = 3 * 2 / (1 + 4 + (3 - 1) * 4 + lambda) = 6 / 14.
    users = half_sweep(pairs_of([(0, 1)], 2, 2, [0.5]), torch.tensor([[1.0], [2.0]]), Confidence(4.0, 1.0))
    torch.testing.assert_close(users, torch.tensor([[6 / 14], [0.0]]))  # nobody knows user 1


@pytest.mark.parametrize("cells", [1, 200, 10**6])
def test_blocks_of_users_are_solved_as_one_user_after_the_other(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    monkeypatch.setattr(implicit_als, "CELLS_AT_ONCE", cells)
    pairs, confidence = random_pairs(20, 11), Confidence(3.0, 0.4)
    items = torch.randn(11, 4, generator=draws()).double()
    dense, liked = pairs.matrix(torch.float64).to_dense(), pairs.matrix(torch.float64).to_dense() > 0
    for user, found in enumerate(half_sweep(pairs, items, confidence)):
        c = torch.diag(1 + 3.0 * dense[user])
        expected = torch.linalg.solve(
            items.T @ c @ items + 0.4 * torch.eye(4, dtype=torch.float64), items.T @ c @ liked[user].double()
        )
        torch.testing.assert_close(found, expected)


def test_factors_are_those_of_implicit() -> None:
    als = pytest.importorskip("implicit.cpu.als", reason="implicit is not installed: pip install darlr[compare]")
    import scipy.sparse

    pairs, confidence = random_pairs(30, 20, seed=4), Confidence(5.0, 2.0)
    initial = torch.randn(20, 8, generator=draws(1)).double()
    matrix = scipy.sparse.csr_matrix(pairs.matrix(torch.float64).to_dense().numpy())
    matrix.data = 1 + 5.0 * matrix.data
    model = als.AlternatingLeastSquares(
        factors=8, regularization=2.0, alpha=1.0, iterations=SWEEPS, use_cg=False, dtype=np.float64, num_threads=1
    )
    model.user_factors, model.item_factors = np.zeros((30, 8)), initial.numpy().copy()
    model.fit(matrix, show_progress=False)
    *_, ours = sweeps(pairs, confidence, initial)
    np.testing.assert_allclose(ours.users.numpy(), model.user_factors, atol=1e-6)
    np.testing.assert_allclose(ours.items.numpy(), model.item_factors, atol=1e-6)


def test_it_recommends_what_those_of_the_same_taste_like() -> None:
    dataset = two_tastes()
    scorer = IMPLICIT_ALS.scorer(IMPLICIT_ALS.fit(dataset, np.random.default_rng(0)), Played(dataset, (0.0, 1.0), CPU))
    best = scorer(torch.arange(4), window_of([[20, 20]] * 4)).topk(8, dim=1).indices
    assert (best % 2).tolist() == [[user % 2] * 8 for user in range(4)]
