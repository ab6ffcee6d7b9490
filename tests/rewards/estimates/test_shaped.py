"""Shaping by neighbours without tables gives the numbers of the tables, as far as sketches find the same neighbours."""

from typing import get_args

import numpy as np
import pytest
import torch

from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.estimates.predicted import Predicted
from darlr.rewards.settings import NeighbourConfig, NeighbourUncertainty, Weighting
from darlr.testing.planted import planted_world
from darlr.world_model.factors.choosing import fit_factors
from darlr.world_model.factors.settings import FactorSettings
from tests.worlds import CPU, draws

USERS, ITEMS = np.arange(1, 19), np.arange(2, 22)
ROWS, COLUMNS = torch.tensor([4, 0, 0, 17]), torch.tensor([6, 0, 3, 3])


@pytest.fixture(scope="module")
def both() -> tuple[Predicted, Predicted]:
    """Estimates by request and in tables."""
    model = fit_factors(planted_world().dataset, FactorSettings(size=2, link="identity"), draws(), CPU)[0]
    return Predicted.asked(model, USERS, ITEMS, CPU), Predicted.kept(model, USERS, ITEMS, CPU)


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
