"""Users in parts: sums over them are those over all users, whoever makes them."""

import numpy as np
import pytest
import torch

from darlr.cluster.workers import HERE, Workers
from darlr.data.dataset import Dataset
from darlr.world_model.factors import problem
from darlr.world_model.factors.choosing import fit_factors
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.factors.observations import Cuts
from darlr.world_model.factors.problem import cuts_of
from darlr.world_model.factors.settings import FactorSettings
from tests.workers import Elsewhere
from tests.world_model.factors.logs import planted
from tests.world_model.factors.test_fitting import positives

SETTINGS = FactorSettings(size=2, link="identity", activity_exponent=0.5, sweeps=8)


def fitted(dataset: Dataset, workers: Workers = HERE) -> FactorModel:
    return fit_factors(dataset, SETTINGS, torch.Generator().manual_seed(0), torch.device("cpu"), 0.0, workers=workers)[0]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problem, "WHOLE_UP_TO", 0)
    monkeypatch.setattr(problem, "ROWS_OF_A_PART", 100)
    monkeypatch.setattr(problem, "ROWS_AN_ITEM", 1)
    monkeypatch.setattr(problem, "ITEMS_OF_A_SLICE", 8)


@pytest.mark.parametrize("dataset", [planted()[0], positives()], ids=["rated", "positives"])
def test_many_parts_give_what_one_does(dataset: Dataset, request: pytest.FixtureRequest) -> None:
    whole = fitted(dataset).tensors()
    request.getfixturevalue("small_parts")
    parts = fitted(dataset).tensors()
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, rtol=1e-5, atol=1e-5, msg=name)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("dataset", [planted()[0], positives()], ids=["rated", "positives"])
def test_no_bit_depends_on_who_works(dataset: Dataset) -> None:
    here, elsewhere = fitted(dataset), fitted(dataset, Elsewhere())
    assert here.state() == elsewhere.state()
    for name, tensor in here.tensors().items():
        assert torch.equal(tensor, elsewhere.tensors()[name]), name


def test_parts_are_cut_to_take_equally_long_and_no_user_is_in_two(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.full(100, 10)
    assert cuts_of(counts, 5) == Cuts([], [])  # a small log is one part
    monkeypatch.setattr(problem, "WHOLE_UP_TO", 999)
    monkeypatch.setattr(problem, "ROWS_OF_A_PART", 250)
    monkeypatch.setattr(problem, "ROWS_AN_ITEM", 16)
    monkeypatch.setattr(problem, "ROWS_A_USER", 0)
    assert cuts_of(counts, 5).users == [25, 50, 75]
    assert cuts_of(counts, 20).users == [34, 67]  # sums over many items are not made for few rows
    assert cuts_of(np.array([990, 5, 5]), 5).users == [1]
    assert cuts_of(np.array([5, 5, 990]), 5).users == []
    monkeypatch.setattr(problem, "ROWS_A_USER", 10)
    assert cuts_of(np.array([970] + [10] * 3), 5).users == [1]
    assert cuts_of(np.array([100] * 10 + [1] * 100), 30).users == [10]  # the ten take as long as the hundred


def test_items_are_cut_where_users_are(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.full(100, 10)
    monkeypatch.setattr(problem, "ITEMS_OF_A_SLICE", 3)
    assert cuts_of(counts, 30).items == []
    monkeypatch.setattr(problem, "WHOLE_UP_TO", 0)
    monkeypatch.setattr(problem, "ROWS_OF_A_PART", 250)
    monkeypatch.setattr(problem, "ROWS_AN_ITEM", 1)
    assert cuts_of(counts, 5).items == []
    assert cuts_of(counts, 10).items == [3, 6]
    assert cuts_of(counts, 40).items == [10, 20, 30]  # as many as parts of the users
