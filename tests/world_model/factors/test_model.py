from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from darlr.data.catalog import Features, ItemCatalog
from darlr.errors import InputError
from darlr.world_model.factors.choosing import fit_factors
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.factors.settings import FactorSettings
from tests.world_model.factors.logs import dataset_of, numeric, planted

CPU = torch.device("cpu")


def model_of(link: str = "identity", exponent: float = 0.3) -> FactorModel:
    settings = FactorSettings(size=2, link=link, sweeps=15)  # type: ignore[arg-type]
    return fit_factors(planted(rows=600)[0], settings, torch.Generator().manual_seed(0), CPU, exponent)[0]


@pytest.mark.parametrize("link", ["identity", "log"])
def test_predictions_are_the_means_and_variances_of_the_posteriors(link: str) -> None:
    """Against draws of users and items from their posteriors."""
    model = model_of(link)
    users, items = torch.tensor([3, 0, 7]), torch.tensor([5, 2])
    estimate, uncertainty = model.predict(users, items)
    responses, scale = model.responses, model.responses.scale
    random = np.random.default_rng(0)
    kept = model.shares.numpy() ** 0.3
    bottom = float(scale.to_scale(torch.tensor(scale.low))) if link == "identity" else 0.0
    if link == "log":  # rewards begin at 0, so the law is a factor of them
        moved, kept = np.log(kept) / scale.spread, np.ones_like(kept)
    else:
        moved = np.zeros_like(kept)
    for row, user in enumerate(users.tolist()):
        q = random.multivariate_normal(model.users.means[user].numpy(), model.users.covariances[user].numpy(), 40_000)
        for column, item in enumerate(items.tolist()):
            h = random.multivariate_normal(model.items.means[item].numpy(), model.items.covariances[item].numpy(), 40_000)
            chosen = h[:, 0] + (h[:, 1:] * q[:, 1:]).sum(axis=1)
            y = q[:, 0] + moved[item] + bottom + kept[item] * (chosen - bottom)
            mean = responses.intercepts[item] + responses.loadings[item] @ responses.user_means[user]
            assert float(mean) == pytest.approx(y.mean(), abs=4 * y.std() / 200)
            assert float(estimate[row, column]) == pytest.approx(float(responses.to_reward(mean)), rel=1e-5)
            slope = float(scale.slope(estimate[row, column]))
            assert float(uncertainty[row, column]) == pytest.approx(y.var() * slope**2, rel=0.05)


def test_responses_under_the_law_of_selection() -> None:
    plain, lawful = model_of(exponent=0.0), model_of(exponent=0.5)
    kept = plain.shares.sqrt()
    bottom = plain.responses.to_scale(torch.tensor(0.0))
    torch.testing.assert_close(lawful.responses.intercepts, bottom + kept * (plain.responses.intercepts - bottom))
    torch.testing.assert_close(lawful.responses.loadings[:, 1:], kept[:, None] * plain.responses.loadings[:, 1:])
    assert bool((lawful.responses.loadings[:, 0] == 1).all())
    traces = plain.items.covariances.diagonal(dim1=1, dim2=2).sum(dim=1)
    torch.testing.assert_close(lawful.responses.noise, lawful.responses.log_noise + plain.shares * traces)


def test_blocks_do_not_change_predictions(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of()
    whole = model.predict(torch.arange(20), torch.arange(30))
    monkeypatch.setattr("darlr.world_model.factors.model.PAIRS_AT_ONCE", 70)
    for one, other in zip(whole, model.predict(torch.arange(20), torch.arange(30)), strict=True):
        torch.testing.assert_close(one, other)


def test_expected_pairs_are_those_of_the_matrix() -> None:
    responses = model_of().responses
    chosen = responses.of(torch.tensor([4, 1]), torch.tensor([2, 0, 3]))
    matrix = chosen.intercepts + chosen.user_means @ chosen.loadings.T
    users, items = torch.tensor([4, 1, 1]), torch.tensor([2, 0, 3])
    torch.testing.assert_close(responses.expected(users, items), torch.stack([matrix[0, 0], matrix[1, 1], matrix[1, 2]]))


@pytest.mark.parametrize("link", ["identity", "log"])
def test_scales_go_back_and_forth_and_are_cut(link: str) -> None:
    responses = model_of(link).responses
    rewards = torch.tensor([1.0, 2.5, 9.0])
    torch.testing.assert_close(responses.to_reward(responses.to_scale(rewards)), rewards)
    assert responses.to_reward(torch.tensor([-1e3, 1e3])).tolist() == [0.0, 10.0]
    y = responses.to_scale(torch.tensor([3.0]))
    step = (responses.to_reward(y + 1e-3) - responses.to_reward(y - 1e-3)) / 2e-3
    assert responses.scale.slope(torch.tensor([3.0])).item() == pytest.approx(step.item(), rel=1e-2)


def test_saved_and_restored_models_say_the_same(tmp_path: Path) -> None:
    model = model_of("log")
    save_file(model.tensors(), tmp_path / "model.safetensors")
    again = FactorModel.restore(load_file(tmp_path / "model.safetensors"), model.state(), CPU)
    for one, other in zip(
        model.predict(torch.arange(9), torch.arange(8)), again.predict(torch.arange(9), torch.arange(8)), strict=True
    ):
        assert torch.equal(one, other)
    assert again.state() == model.state()
    assert torch.equal(again.item_vectors(), model.item_vectors())
    assert torch.equal(again.user_vectors(), model.user_vectors())
    assert again.item_vectors().shape == (60, 3)
    assert again.user_vectors().shape == (80, 3)


def test_entities_without_rows_get_the_prior_of_their_features() -> None:
    """Items of code 1 are good; two items that nobody logged differ in it alone, and so do two of another catalogue."""
    random = np.random.default_rng(0)
    codes = (np.arange(42) % 2).astype(np.int32)[:, None]
    features = Features(("good",), codes, (2,), (), np.zeros((42, 0), np.float32))
    catalog = ItemCatalog(np.full((42, 0), -1, np.int32), (), features)
    rows = [
        (int(user), int(item), float(3 + 4 * codes[item, 0] + user % 3 + random.random()))
        for user, item in random.integers((0, 0), (30, 40), size=(900, 2))
    ]
    dataset = dataset_of(rows, 31, 42, catalog=catalog)
    model, _ = fit_factors(dataset, FactorSettings(size=1, link="identity"), torch.Generator().manual_seed(0), CPU)
    estimate, uncertainty = model.predict(torch.tensor([0, 30]), torch.tensor([0, 1, 40, 41]))
    assert bool((estimate[:, 3] - estimate[:, 2] > 2).all())
    assert bool((uncertainty[0, 2:] > uncertainty[0, :2]).all())
    assert bool((uncertainty[1] > uncertainty[0]).all())
    new = ItemCatalog(np.full((2, 0), -1, np.int32), (), Features(("good",), codes[:2], (2,), (), np.zeros((2, 0), np.float32)))
    means, covariances = model.items.prior_of(new)
    torch.testing.assert_close(means, model.items.means[40:])
    torch.testing.assert_close(covariances, model.items.covariances[40:])
    means, covariances = model.users.prior_of(Features.none(1))
    torch.testing.assert_close(means, torch.zeros(1, 2), atol=1e-6, rtol=0)
    torch.testing.assert_close(means, model.users.means[30:])


def test_features_of_another_kind_are_refused() -> None:
    with pytest.raises(InputError, match="expected the 0 codes"):
        model_of().users.prior_of(Features(("x",), np.zeros((1, 1), np.int32), (3,), (), np.zeros((1, 0), np.float32)))
    with pytest.raises(InputError, match="2 numbers"):
        model_of().users.prior_of(numeric(np.zeros((1, 2), np.float32)))
