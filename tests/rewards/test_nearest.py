"""The exact search for nearest users against the whole matrix, and the search in cells against the exact one."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from darlr.rewards import nearest
from darlr.rewards.nearest import CellSearch, Nearest, find_nearest, nearest_by_cells, nearest_users, unit_rows
from darlr.rewards.settings import NeighbourConfig
from tests.worlds import draws

# Cosines: 0-1 0.96, 0-2 0, 0-3 0.48, 1-2 0, 1-3 0.36, 2-3 0.8.
ESTIMATES = torch.tensor([[3.0, 4.0, 0.0], [4.0, 3.0, 0.0], [0.0, 0.0, 2.0], [0.0, 3.0, 4.0]])


def test_nearest_users_by_hand() -> None:
    users, cosines = nearest_users(unit_rows(ESTIMATES, centred=False), 3, include_self=True)
    assert users[[0, 1, 3]].tolist() == [[0, 1, 3], [1, 0, 3], [3, 2, 0]]
    assert users[2, :2].tolist() == [2, 3]  # 0 and 1 are equally far from 2
    torch.testing.assert_close(cosines, torch.tensor([[1, 0.96, 0.48], [1, 0.96, 0.36], [1, 0.8, 0], [1, 0.8, 0.48]]))
    others, cosines = nearest_users(unit_rows(ESTIMATES, centred=False), 1, include_self=False)
    assert others.tolist() == [[1], [0], [3], [2]]
    torch.testing.assert_close(cosines, torch.tensor([[0.96], [0.96], [0.8], [0.8]]))


def test_a_user_comes_first_even_among_its_copies() -> None:
    rows = unit_rows(torch.ones(5, 3), centred=False)
    assert nearest_users(rows, 2, include_self=True)[0][:, 0].tolist() == [0, 1, 2, 3, 4]
    others = nearest_users(rows, 4, include_self=False)[0]
    assert [sorted(row) for row in others.tolist()] == [sorted({0, 1, 2, 3, 4} - {user}) for user in range(5)]


@given(
    rows=st.lists(st.lists(st.integers(-4, 4), min_size=3, max_size=3), min_size=2, max_size=12),
    include_self=st.booleans(),
    block=st.integers(1, 5),
    data=st.data(),
)
def test_nearest_users_are_those_of_the_whole_matrix(
    rows: list[list[int]], include_self: bool, block: int, data: st.DataObject
) -> None:
    n = len(rows)
    count = data.draw(st.integers(1, n if include_self else n - 1))
    unit = unit_rows(torch.tensor(rows, dtype=torch.float32), centred=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "BLOCK", block)
        users, cosines = nearest_users(unit, count, include_self)
    for user in range(n):
        found = users[user].tolist()
        assert len(set(found)) == count
        exact = {other: float(unit[user].double() @ unit[other].double()) for other in range(n) if other != user}
        if include_self:
            assert (found.pop(0), float(cosines[user, 0])) == (user, 1.0)
        assert user not in found
        assert [exact[other] for other in found] == pytest.approx(sorted(exact.values(), reverse=True)[: len(found)], abs=1e-6)
        assert cosines[user, include_self:].tolist() == pytest.approx([exact[other] for other in found], abs=1e-6)


def people(users: int, factors: int = 6, items: int = 100) -> Tensor:
    """Rows of length 1 of users with few factors."""
    generator = draws()
    rows = 3 + torch.randn(users, factors, generator=generator) @ torch.randn(factors, items, generator=generator)
    return unit_rows(rows, centred=False)


def recall(found: Nearest, exact: Tensor) -> float:
    shared = [len(set(one.tolist()) & set(other.tolist())) for one, other in zip(found.users, exact, strict=True)]
    return sum(shared) / exact.numel()


@pytest.mark.parametrize("include_self", [False, True])
def test_cells_find_nearly_all_nearest_users_and_measure_how_many(include_self: bool) -> None:
    rows = people(6_000)
    found = nearest_by_cells(rows, 20, include_self, 0.98)
    exact, cosines = nearest_users(rows, 20, include_self)
    true = recall(found, exact)
    assert true >= 0.98
    assert found.search is not None
    assert found.search.recall == pytest.approx(true, abs=0.01)
    assert found.search.compared < 3_000  # of 6,000
    assert (found.users[:, 0] == torch.arange(6_000)).all() == include_self
    assert bool((found.cosines.diff(dim=1) <= 1e-6).all())
    products = (rows.unsqueeze(1) * rows[found.users]).sum(dim=2)
    torch.testing.assert_close(found.cosines, products, atol=1e-5, rtol=0)
    assert float((cosines - found.cosines).mean()) < 1e-4


def test_recall_is_what_was_asked_for() -> None:
    rows = people(6_000)
    exact, _ = nearest_users(rows, 20, False)
    rough, fine = nearest_by_cells(rows, 20, False, 0.5), nearest_by_cells(rows, 20, False, 0.999)
    assert 0.5 <= recall(rough, exact) < recall(fine, exact) >= 0.998
    assert rough.search is not None
    assert fine.search is not None
    assert rough.search.compared < fine.search.compared


def test_a_recall_of_1_looks_at_whomever_the_sample_needs() -> None:
    rows = people(300)
    assert recall(nearest_by_cells(rows, 5, False, 1.0), nearest_users(rows, 5, False)[0]) > 0.99


@given(
    users=st.integers(2, 40),
    copies=st.integers(1, 3),
    include_self=st.booleans(),
    data=st.data(),
)
def test_small_worlds_and_users_who_are_alike(users: int, copies: int, include_self: bool, data: st.DataObject) -> None:
    rows = people(users, factors=2, items=3).repeat(copies, 1)
    n = len(rows)
    count = data.draw(st.integers(1, n if include_self else n - 1))
    found = nearest_by_cells(rows, count, include_self, 1.0)
    assert found.users.shape == found.cosines.shape == (n, count)
    own = torch.arange(n).unsqueeze(1)
    assert bool((found.users == own).any(dim=1).all()) == include_self
    for near in found.users.tolist():
        assert len(set(near)) == count
    exact = nearest_users(rows, count, include_self)[1]
    assert bool((found.cosines <= exact + 1e-5).all())
    assert float((exact - found.cosines).mean()) < 0.01


def test_many_users_who_are_all_alike_stay_in_cells_of_their_own() -> None:
    rows = torch.cat([people(500), people(1).repeat(4_000, 1)])
    found = nearest_by_cells(rows, 10, True, 0.9)
    assert found.search is not None
    assert found.search.recall >= 0.9
    torch.testing.assert_close(found.cosines[-1], torch.ones(10))


def test_the_same_rows_give_the_same_bits_and_rows_are_left_alone() -> None:
    rows = people(2_000)
    before = rows.clone()
    first, second = (nearest_by_cells(rows, 10, True, 0.9) for _ in range(2))
    assert torch.equal(first.users, second.users)
    assert torch.equal(first.cosines, second.cosines)
    assert first.search == second.search
    assert torch.equal(rows, before)


def test_the_setting_chooses_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = people(200)

    def search(config: NeighbourConfig) -> CellSearch | None:
        return find_nearest(rows, 5, False, config).search

    assert search(NeighbourConfig()) is None
    assert search(NeighbourConfig(search="cells")) is not None
    monkeypatch.setattr(nearest, "EXACT_UP_TO", 199)
    assert search(NeighbourConfig()) is not None
    assert search(NeighbourConfig(search="exact")) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_search_on_a_gpu_finds_the_same_users() -> None:
    rows = people(3_000)
    found = nearest_by_cells(rows.cuda(), 10, True, 0.95)
    assert found.users.is_cuda
    assert recall(Nearest(found.users.cpu(), found.cosines.cpu()), nearest_users(rows, 10, True)[0]) >= 0.95
