"""Shaping by neighbours without tables gives the same numbers as with tables, if sketches find the same neighbours."""

from typing import get_args

import pytest
import torch

from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.estimates.predicted import Predicted
from darlr.rewards.settings import NeighbourConfig, NeighbourUncertainty, Weighting
from tests.worlds import draws

ROWS, COLUMNS = torch.tensor([4, 0, 0, 17]), torch.tensor([6, 0, 3, 3])


class Asked(Estimates):
    """Estimates that are not recognised as a table."""

    def __init__(self, table: torch.Tensor) -> None:
        self._kept = KeptEstimates(table)
        (self.n_users, self.n_items), self.device = table.shape, table.device

    def cells(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        return self._kept.cells(users, items)

    def rows(self, users: torch.Tensor) -> torch.Tensor:
        return self._kept.rows(users)


@pytest.fixture(scope="module")
def both() -> tuple[Predicted, Predicted]:
    """Estimates by request and in tables."""
    generator = draws()
    rewards = 3 + torch.randn(18, 4, generator=generator) @ torch.randn(4, 20, generator=generator)
    uncertainty = torch.rand(18, 20, generator=generator)
    return Predicted(Asked(rewards), Asked(uncertainty)), Predicted(KeptEstimates(rewards), KeptEstimates(uncertainty))


@pytest.mark.parametrize("weighting", get_args(Weighting))
@pytest.mark.parametrize("centred", [False, True])
def test_estimates(both: tuple[Predicted, Predicted], weighting: Weighting, centred: bool) -> None:
    asked, kept = (each.shaped(NeighbourConfig(4, weighting, centred=centred)).rewards for each in both)
    assert not isinstance(asked, KeptEstimates)
    torch.testing.assert_close(asked.table(), kept.table(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(asked.cells(ROWS, COLUMNS), kept.table()[ROWS, COLUMNS], atol=1e-4, rtol=1e-4)
    low, high = asked.bounds()
    assert low <= float(kept.table().min()) + 1e-4
    assert high >= float(kept.table().max()) - 1e-4


@pytest.mark.parametrize("uncertainty", get_args(NeighbourUncertainty))
def test_uncertainty(both: tuple[Predicted, Predicted], uncertainty: NeighbourUncertainty) -> None:
    asked, kept = (each.shaped(NeighbourConfig(4, "mean", uncertainty)).uncertainty for each in both)
    torch.testing.assert_close(asked.table(), kept.table(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(asked.cells(ROWS, COLUMNS), kept.table()[ROWS, COLUMNS], atol=1e-4, rtol=1e-4)
    low, high = asked.bounds()
    assert low <= float(kept.table().min()) + 1e-4
    assert high >= float(kept.table().max()) - 1e-4


def test_without_neighbours_nothing_is_shaped(both: tuple[Predicted, Predicted]) -> None:
    assert both[0].shaped(NeighbourConfig(0)) is both[0]
