"""All estimates give the numbers of `WorldModel.predict`, however they are computed."""

import numpy as np
import pytest
import torch
from torch import Tensor

from darlr.rewards.estimates import interface
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.estimates.penalised import penalised
from darlr.rewards.estimates.predicted import Predicted
from darlr.testing.planted import planted_world
from darlr.world_model.ensemble import EnsembleModel
from darlr.world_model.factors.choosing import fit_factors
from darlr.world_model.factors.settings import FactorSettings
from darlr.world_model.fitting import fit_world_model
from darlr.world_model.model import WorldModel
from darlr.world_model.settings import WorldModelConfig
from tests.worlds import CPU, draws

USERS, ITEMS = np.array([4, 0, 9, 3, 11]), np.array([7, 1, 2, 19, 0, 5, 8])
"""A world in another order than the log."""
ROWS, COLUMNS = torch.tensor([4, 0, 0, 2]), torch.tensor([6, 0, 3, 3])


def ensemble() -> EnsembleModel:
    config = WorldModelConfig(members=2, hidden_sizes=(8,), max_epochs=1, batch_size=64)
    return fit_world_model(planted_world().dataset, config, 0, CPU)[0]


class Outside:
    """A world model that has `predict` alone, like one from outside."""

    def __init__(self, model: EnsembleModel) -> None:
        self.predict = model.predict


@pytest.fixture(scope="module", params=["factors", "factors, log", "networks", "outside"])
def model(request: pytest.FixtureRequest) -> WorldModel:
    if request.param.startswith("factors"):
        settings = FactorSettings(size=2, link="log" if "log" in request.param else "identity")
        return fit_factors(planted_world().dataset, settings, draws(), CPU, 0.2)[0]
    return ensemble() if request.param == "networks" else Outside(ensemble())  # type: ignore[return-value]


def both(model: WorldModel) -> list[tuple[Estimates, Tensor]]:
    """Yield rewards and uncertainty on request, each with its table."""
    asked, kept = (Predicted.of(model, USERS, ITEMS, CPU, most) for most in (34, 35))
    assert isinstance(kept.rewards, KeptEstimates)
    assert not isinstance(asked.rewards, KeptEstimates)
    return [(asked.rewards, kept.rewards.table()), (asked.uncertainty, kept.uncertainty.table())]


def test_cells_rows_and_tables(model: WorldModel) -> None:
    for asked, table in both(model):
        assert len(asked) == 5
        torch.testing.assert_close(asked.cells(ROWS, COLUMNS), table[ROWS, COLUMNS])
        torch.testing.assert_close(asked.cells(ROWS[:, None], COLUMNS), table[ROWS[:, None], COLUMNS])
        torch.testing.assert_close(asked.rows(ROWS), table[ROWS])
        torch.testing.assert_close(asked.table(), table)
        torch.testing.assert_close(penalised(asked, asked, 0.25).cells(ROWS, COLUMNS), 0.75 * table[ROWS, COLUMNS])


def test_nothing_lies_out_of_the_bounds(model: WorldModel) -> None:
    for asked, table in both(model):
        low, high = asked.bounds()
        assert low <= float(table.min()) + 1e-6
        assert high >= float(table.max()) - 1e-6
        assert KeptEstimates(table).bounds() == (float(table.min()), float(table.max()))


def test_best_items(model: WorldModel) -> None:
    rewards, table = both(model)[0]
    for estimates in (rewards, KeptEstimates(table)):
        values, items = estimates.top(ROWS, 3)
        torch.testing.assert_close(values, table[ROWS].sort(dim=1, descending=True).values[:, :3])
        torch.testing.assert_close(table[ROWS].gather(1, items), values)
        assert estimates.top(ROWS, 99)[1].shape == (4, 7)


def test_blocks_are_all_rows_in_order(model: WorldModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interface, "CELLS_AT_ONCE", 14)
    rewards, table = both(model)[0]
    for estimates in (rewards, KeptEstimates(table)):
        blocks = list(estimates.blocks())
        assert [place for place, _ in blocks] == [slice(0, 2), slice(2, 4), slice(4, 5)]
        torch.testing.assert_close(torch.cat([rows for _, rows in blocks]), table)


def test_shaping_by_neighbours_and_the_truth_make_tables() -> None:
    truth = np.arange(35, dtype=np.float32).reshape(5, 7)
    predicted = Predicted.of(ensemble(), USERS, ITEMS, CPU, 0)
    assert predicted.corrected(None) is predicted
    corrected = predicted.corrected(truth)
    assert corrected.rewards.cells(ROWS, COLUMNS).tolist() == truth[ROWS, COLUMNS].tolist()
    assert corrected.uncertainty is predicted.uncertainty
