"""BPR's loss by hand and beside implicit, what is drawn as not liked, and hybrid factors."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from darlr.agents.supervised.bpr import BPR
from darlr.agents.supervised.feature_factorisation import FEATURE_FACTORISATION, described_items, described_users
from darlr.agents.supervised.pairwise import Described, PairwiseModel, _not_liked, bpr_loss
from darlr.agents.supervised.supervised import Played
from darlr.data.catalog import Features
from tests.agents.supervised.pairs import pairs_of, random_pairs, two_tastes
from tests.worlds import CPU, catalog_of, window_of


def test_the_loss_by_hand() -> None:
    found = bpr_loss(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0]))
    assert found.item() == pytest.approx((math.log(1 + math.exp(-1)) + math.log(1 + math.exp(2))) / 2)


def test_the_gradient_is_that_of_the_papers_update() -> None:
    """dL/dTheta = -sigma(-x) dx/dTheta, which implicit's BPR follows one triple at a time."""
    model = PairwiseModel(Described.by_identity(2), Described.by_identity(3), np.random.default_rng(0))
    q, p = model.user_factors(torch.tensor([1])), model.item_factors(torch.tensor([0, 2]))
    scores = (q * p[:, :-1]).sum(dim=1) + p[:, -1]
    bpr_loss(scores[:1], scores[1:]).backward()  # type: ignore[no-untyped-call]
    pull = torch.sigmoid(scores[1] - scores[0]).detach()
    assert model.users.grad is not None
    assert model.items.grad is not None
    torch.testing.assert_close(model.users.grad[1], (-pull * (p[0, :-1] - p[1, :-1])).detach())
    torch.testing.assert_close(model.items.grad[0, :-1], (-pull * q[0]).detach())
    torch.testing.assert_close(model.items.grad[2, :-1], (pull * q[0]).detach())
    torch.testing.assert_close(model.items.grad[:, -1], torch.stack([-pull, torch.tensor(0.0), pull]))


def test_what_is_drawn_is_not_liked() -> None:
    pairs = random_pairs(10, 8, share=0.7)
    users = torch.arange(10).repeat(50)
    cells = pairs.users * 8 + pairs.items
    others, free = _not_liked(users, 8, cells, np.random.default_rng(0))
    dense = pairs.matrix().to_dense() > 0
    assert not dense[users[free], others[free]].any()
    assert free.float().mean() > 0.8
    assert len(set(others[free].tolist())) > 5


def test_who_likes_everything_has_nothing_that_is_not_liked() -> None:
    pairs = pairs_of([(0, 0), (0, 1)], 1, 2)
    _, free = _not_liked(torch.zeros(20, dtype=torch.int64), 2, pairs.users * 2 + pairs.items, np.random.default_rng(0))
    assert not free.any()


def test_described_by_features_by_hand() -> None:
    # Codes 1 and 0 of two, numbers 0.5 and -2, categories (0, 1) and (1,). Rows: 2 own, 2 codes, 1 number, 2 categories.
    features = Features(("kind",), np.array([[1], [0]], np.int32), (2,), ("size",), np.array([[0.5], [-2.0]], np.float32))
    described = described_items(catalog_of([[0, 1], [1]], features))
    embeddings = torch.tensor([[1.0], [10.0], [100.0], [1e3], [1e4], [1e5], [1e6]])
    found = described.sums(embeddings, torch.tensor([1, 0]))
    expected = [(10 + 100 - 2e4 + 1e6) / 4**0.5, (1 + 1e3 + 0.5e4 + 1e5 + 1e6) / 5**0.5]
    assert found.squeeze(1).tolist() == pytest.approx(expected)
    assert described.size == 7


def test_users_without_features_are_known_by_themselves() -> None:
    described = described_users(Features.none(3))
    assert described.descriptions[:, 0].tolist() == [0, 1, 2]
    torch.testing.assert_close(described.sums(torch.eye(4)[:, :3], torch.arange(3)), torch.eye(3))


KINDS = {"bpr": BPR, "feature_factorisation": FEATURE_FACTORISATION}


@pytest.fixture(scope="module")
def scores() -> dict[str, Tensor]:
    """What each kind makes of the 20 items for the 30 users of `two_tastes`."""
    played = Played(two_tastes(), (0.0, 1.0), CPU)
    fitted = {name: kind.fit(played.dataset, np.random.default_rng(0)) for name, kind in KINDS.items()}
    users, start = torch.arange(30), window_of([[20, 20]] * 30)
    return {name: kind.scorer(fitted[name], played)(users, start) for name, kind in KINDS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_it_recommends_what_those_of_the_same_taste_like(kind: str, scores: dict[str, Tensor]) -> None:
    best = scores[kind][:10].topk(5, dim=1).indices
    right = (best % 2) == (torch.arange(10) % 2)[:, None]
    assert right.float().mean() > 0.8


def test_it_ranks_held_out_pairs_as_well_as_implicit(scores: dict[str, Tensor]) -> None:
    bpr = pytest.importorskip("implicit.cpu.bpr", reason="implicit is not installed: pip install darlr[compare]")
    import scipy.sparse

    log = two_tastes().log
    liked = np.zeros((30, 20))
    liked[log.users, log.items] = 1.0
    model = bpr.BayesianPersonalizedRanking(factors=8, iterations=200, learning_rate=0.05, num_threads=1, random_state=0)
    model.fit(scipy.sparse.csr_matrix(liked), show_progress=False)
    ours, theirs = scores["bpr"].numpy(), model.user_factors @ model.item_factors.T
    taste = (np.arange(30)[:, None] % 2) == (np.arange(20) % 2)

    def right(found: np.ndarray) -> float:
        """How often an item of the user's taste that the log lacks stands above one of the other taste."""
        users = zip(found, taste & (liked == 0), taste, strict=True)
        return float(np.mean([np.mean(row[own][:, None] > row[~kind]) for row, own, kind in users]))

    assert right(ours) > right(theirs) - 0.05
    assert right(ours) > 0.8
