import torch

from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.nearest import nearest_users, unit_rows
from darlr.rewards.sketches import sketches
from tests.worlds import draws


def table(factors: int, noise: float = 0.0, users: int = 1_500) -> torch.Tensor:
    generator = draws()
    rows = torch.randn(users, factors, generator=generator) @ torch.randn(factors, 300, generator=generator)
    return rows + noise * torch.randn(rows.shape, generator=generator)


def test_products_of_rows_of_few_factors_are_kept() -> None:
    rows = table(12)
    found = sketches(KeptEstimates(rows), 32)
    assert found.shape == (1_500, 12)  # more directions than there are would be rounding errors
    torch.testing.assert_close(found @ found.T, rows @ rows.T, atol=0.02, rtol=1e-3)


def test_nearest_users_are_found_by_sketches() -> None:
    rows = table(12, noise=0.3)
    exact, found = (nearest_users(unit_rows(each, False), 20, False)[0] for each in (rows, sketches(KeptEstimates(rows), 128)))
    shared = [len(set(one.tolist()) & set(other.tolist())) for one, other in zip(exact, found, strict=True)]
    assert sum(shared) / exact.numel() > 0.97


def test_a_world_of_one_user_has_a_sketch() -> None:
    assert sketches(KeptEstimates(torch.tensor([[3.0, 4.0]]))).abs().tolist() == [[5.0]]
