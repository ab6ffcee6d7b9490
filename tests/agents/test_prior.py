"""The estimates in an actor's logits are the same in a table and on request."""

import pytest
import torch
from torch import Tensor

from darlr.agents import prior as priors
from darlr.agents.prior import Prior
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.estimates.standardised import StandardisedEstimates
from tests.worlds import draws

TABLE = torch.randn(6, 5, generator=draws())
USERS, ITEMS = torch.tensor([4, 0, 6, 7]), torch.tensor([[0, 3], [1, 1], [2, 4], [4, 0]])


@pytest.fixture(params=["table", "request"])
def prior(request: pytest.FixtureRequest) -> Prior:
    """Six users' estimates, less 1 and halved, and those of two users who were added."""
    asked = StandardisedEstimates(KeptEstimates(TABLE), 1.0, 2.0)
    made = Prior((TABLE - 1) / 2 if request.param == "table" else asked)
    made.append(torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]]))
    made.append(torch.tensor([[6.0, 7.0, 8.0, 9.0, 10.0]]))
    return made


def expected() -> Tensor:
    return torch.cat([(TABLE[[4, 0]] - 1) / 2, torch.arange(1.0, 11.0).view(2, 5)])


def test_rows_and_cells(prior: Prior) -> None:
    torch.testing.assert_close(prior.rows(USERS), expected())
    torch.testing.assert_close(prior.cells(USERS, ITEMS), expected().gather(1, ITEMS))
    torch.testing.assert_close(prior.rows(USERS[:2]), expected()[:2])


def test_before_anybody_is_added() -> None:
    for made in (Prior(TABLE), Prior(KeptEstimates(TABLE))):
        assert made.rows(USERS[:2]).tolist() == TABLE[[4, 0]].tolist()
        assert made.cells(USERS[:2], ITEMS[:2]).tolist() == TABLE[[4, 0]].gather(1, ITEMS[:2]).tolist()
        torch.testing.assert_close(made.average(), TABLE.mean(dim=0, keepdim=True))


@pytest.mark.parametrize(("averaged", "users"), [(1_000, [0, 1, 2, 3, 4, 5]), (2, [0, 5]), (3, [0, 2, 5])])
def test_an_unknown_user_is_the_mean_of_some(averaged: int, users: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priors, "AVERAGED", averaged)
    monkeypatch.setattr(priors, "CELLS_AT_ONCE", 10)
    torch.testing.assert_close(Prior(KeptEstimates(TABLE)).average(), TABLE[users].mean(dim=0, keepdim=True))


def test_standardised_estimates() -> None:
    asked = StandardisedEstimates(KeptEstimates(TABLE), 1.0, 2.0)
    torch.testing.assert_close(asked.table(), (TABLE - 1) / 2)
    torch.testing.assert_close(asked.cells(torch.tensor([1, 2]), torch.tensor([0, 4])), (TABLE[[1, 2], [0, 4]] - 1) / 2)
    assert asked.bounds() == pytest.approx((float((TABLE.min() - 1) / 2), float((TABLE.max() - 1) / 2)))
