"""The law of returns: pauses and likelihood by hand, known laws found, logs without an answer refused."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from darlr.data.dataset import Dataset
from darlr.data.exposure import Exposure
from darlr.data.readers.synthetic import generate
from darlr.data.sessions import sessions_of
from darlr.data.settings import SyntheticConfig
from darlr.errors import InputError
from darlr.world_model.leaving.regression import Rows, fit_with_spread
from darlr.world_model.leaving.returning import HOUR, Censored, fit_returning, pauses_of
from tests.worlds import dataset_of, log_of


def test_pauses_of_a_log() -> None:
    """User 0 comes back after 10 hours; user 1 does not, within the 20 hours that are left; user 0's last visit goes on."""
    rows = [(0, 0, 5.0), (0, 1, 0.0), (0, 2, 2.0), (1, 3, 4.0)]
    times = [0.0, 60.0, 60.0 + 10 * HOUR, 60.0 + 10 * HOUR - 20 * HOUR]
    dataset = dataset_of(log_of(rows, 2, 4, times))
    found = pauses_of(dataset, sessions_of(dataset.log, 30))
    assert found.users.tolist() == [0, 1]
    assert found.over.tolist() == [True, False]
    torch.testing.assert_close(found.log_hours.exp(), torch.tensor([10.0, 20.0], dtype=torch.float64))
    torch.testing.assert_close(found.features, torch.tensor([[1, 0.5, math.log(2)], [1, 0.8, 0]], dtype=torch.float64))


def test_likelihoods_of_a_pause_and_of_a_censored_one() -> None:
    law = Censored(torch.tensor([True, False]))
    values = law.values(torch.tensor([0.5, 0.5], dtype=torch.float64))
    assert values.tolist() == pytest.approx([-0.125 - 0.5 * math.log(2 * math.pi), math.log(0.5 * math.erfc(0.5 / 2**0.5))])


@given(st.floats(-30, 30), st.booleans())
def test_slopes_are_derivatives(at: float, over: bool) -> None:
    law = Censored(torch.tensor([over]))
    z = torch.tensor([at], dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(law.values(z).sum(), z, create_graph=True)
    slope, curvature = law.slopes(z.detach())
    torch.testing.assert_close(slope, first.detach(), rtol=1e-6, atol=1e-9)
    near = law.slopes(z.detach() + 1e-4)[0], law.slopes(z.detach() - 1e-4)[0]
    torch.testing.assert_close(curvature, (near[1] - near[0]) / 2e-4, rtol=1e-3, atol=1e-4)


def test_without_censoring_the_fit_is_mean_and_standard_deviation() -> None:
    y = torch.tensor([1.0, 2.0, 4.0, 5.0], dtype=torch.float64)
    rows = Rows(torch.stack([torch.ones_like(y), y], dim=1), Censored(torch.ones(4).bool()), torch.zeros(4).long(), 1, scaled=4)
    weights = fit_with_spread(rows, 0.0, (torch.tensor([0.0, 1.0]).double(), torch.zeros(1).double())).weights
    assert float(1 / weights[1]) == pytest.approx(float(y.std(correction=0)), rel=1e-3)
    assert float(-weights[0] / weights[1]) == pytest.approx(3.0, rel=1e-3)


def test_finds_the_known_law_of_a_generated_world() -> None:
    loaded = generate(SyntheticConfig(leave="hazard"))
    found = fit_returning(loaded.dataset, 30)
    assert loaded.truth is not None
    known = loaded.truth.returns
    assert known is not None
    assert np.abs((found.law.weights - known.weights) / found.errors).max() < 3
    assert found.law.scale == pytest.approx(known.scale, rel=0.03)
    assert found.spread == pytest.approx(0.5, abs=0.05)
    assert np.corrcoef(found.law.effects, known.effects)[0, 1] > 0.8
    assert found.check.gain > 5 * found.check.gain_error
    assert found.check.predicted_soon == pytest.approx(found.check.soon, abs=0.01)


def visits(count: int) -> Dataset:
    return dataset_of(log_of([(0, 0, 1.0)] * count, 1, 1, [86_400.0 * day for day in range(count)]))


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (dataset_of(log_of([(0, 0, 1.0)], 1, 1)), "neither sessions nor times"),
        (visits(1), "returned 0 times; a law of returns needs at least 50"),
        (visits(20), "returned 19 times"),
        (dataset_of(replace(log_of([(0, 0, 1.0)] * 2, 1, 1), exposure=Exposure(sessions=np.arange(2)))), "has no times"),
    ],
)
def test_refuses_logs_without_returns(dataset: Dataset, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_returning(dataset, 30)
