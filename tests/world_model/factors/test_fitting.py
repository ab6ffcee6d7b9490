import numpy as np
import pytest
import torch

from darlr.data.dataset import Dataset
from darlr.errors import RunError
from darlr.world_model.factors.design import Description, Design
from darlr.world_model.factors.fitting import Fitted, fit
from darlr.world_model.factors.problem import prepare
from tests.world_model.factors.logs import dataset_of, planted

CPU = torch.device("cpu")


def fitted(dataset: Dataset, size: int, sweeps: int, seed: int = 0, exponent: float = 0.0) -> Fitted:
    problem = prepare(dataset, dataset.log, "identity", exponent, CPU)
    users = Design(Description.of(dataset.user_features).rows(problem.users), 50, CPU)
    items = Design(Description.of(dataset.items).rows(problem.items), 50, CPU)
    return fit(problem.observed, users, items, size, sweeps, 0.0, torch.Generator().manual_seed(seed))


def positives() -> Dataset:
    random = np.random.default_rng(0)
    rows = [
        (user, item, 1.0) for user in range(40) for item in range(30) if random.random() < 0.1 + 0.5 * (user % 2 == item % 2)
    ]
    return dataset_of(rows, 40, 30, reward_range=(0.0, 1.0), positive_only=True)


@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize(("dataset", "exponent"), [(planted()[0], 0.0), (planted()[0], 1.0), (positives(), 1.0)])
def test_objective_never_falls(dataset: Dataset, exponent: float, size: int) -> None:
    objective = np.array(fitted(dataset, size, 40, exponent=exponent).objective)
    # Products are summed in single precision, so that the last digits move.
    assert np.diff(objective).min() > -1e-6
    assert objective[-1] > objective[0]


def test_objective_is_the_evidence_of_a_log_without_factors() -> None:
    """For one user's bias and one item's bias, the bound is computed here from the fit's own posteriors."""
    dataset = dataset_of([(0, 0, 1.0), (0, 1, 4.0), (1, 0, 2.0), (1, 1, 9.0)], 2, 2)
    problem = prepare(dataset, dataset.log, "identity", 0.0, CPU)
    designs = Design(Description.of(dataset.user_features), 9, CPU), Design(Description.of(dataset.items), 9, CPU)
    found = fit(problem.observed, *designs, 0, 1, 0.0, torch.Generator())
    y = (np.array([1, 4, 2, 9]) - 4) / np.std([1, 4, 2, 9])
    biases, moods = found.items.means[:, 0].numpy(), found.users.means[:, 1].numpy()
    spread = found.items.covariances[0, 0, 0].item() + found.users.covariances[0, 0, 0].item()
    errors = (y - np.array([moods[user] + biases[item] for user in (0, 1) for item in (0, 1)])) ** 2 + spread
    assert found.noise == pytest.approx(errors.mean(), rel=1e-5)
    expected = -(4 * np.log(2 * np.pi * errors.mean()) + 4) / 2
    for side in (found.users, found.items):
        expected += sum(np.log(side.covariances[entity, 0, 0].item()) for entity in (0, 1)) / 2
        expected -= 2 * np.log(side.prior[0, 0].item()) / 2
    assert found.objective[0] == pytest.approx(expected / 4, rel=1e-5)


def test_users_are_standardised_and_responses_kept() -> None:
    dataset, _ = planted()
    found = fitted(dataset, 2, 30)
    users, items = found.users, found.items
    np.testing.assert_allclose(users.prior[1:, 1:].numpy(), np.eye(2), atol=1e-9)
    np.testing.assert_allclose(users.prior[0, 1:].numpy(), 0, atol=1e-9)
    np.testing.assert_allclose(users.centre.numpy(), [1, 0, 0, 0], atol=1e-9)
    assert bool((users.means[:, 0] - 1).abs().max() < 1e-9)
    assert bool((items.means[:, 1] - 1).abs().max() < 1e-9)
    # The error that the fit reported is still the error of what it returns.
    log = dataset.log
    y = (log.rewards - log.rewards.mean(dtype=np.float64)) / log.rewards.std(dtype=np.float64)
    u, i = torch.from_numpy(log.users.astype(np.int64)), torch.from_numpy(log.items.astype(np.int64))
    seconds = [side.packing.products(side.means, side.covariances.double()) for side in (users, items)]
    square = (seconds[0][u] * seconds[1][i]) @ users.packing.times
    error = torch.from_numpy(y.astype(np.float64)).square() - 2 * torch.from_numpy(y) * (users.means[u] * items.means[i]).sum(1)
    assert float((error + square).mean()) == pytest.approx(found.noise, rel=1e-4)


def test_planted_factors_are_recovered() -> None:
    """The rewards of pairs that nobody logged come out right, and the noise is that of the log."""
    dataset, truth = planted(users=150, items=80, rows=6_000, noise=0.3)
    found = fitted(dataset, 2, 100)
    log = dataset.log
    scale = float(log.rewards.std(dtype=np.float64))
    predicted = float(log.rewards.mean(dtype=np.float64)) + scale * (found.users.means @ found.items.means.T).numpy()
    unlogged = np.ones_like(truth, bool)
    unlogged[log.users, log.items] = False
    error = np.sqrt(np.mean((predicted - truth)[unlogged] ** 2))
    assert error < 0.3 * truth[unlogged].std()
    assert found.noise * scale**2 == pytest.approx(0.3**2, rel=0.3)


def test_same_generator_same_fit_and_another_differs() -> None:
    dataset, _ = planted()
    first, again, other = (fitted(dataset, 2, 5, seed).users.means for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


def test_a_broken_objective_stops_the_run() -> None:
    dataset, _ = planted()
    problem = prepare(dataset, dataset.log, "identity", 0.0, CPU)
    problem.observed.parts[0].by_user.pulls[0] = float("nan")
    designs = Design(Description.of(dataset.user_features), 99, CPU), Design(Description.of(dataset.items), 99, CPU)
    with pytest.raises(RunError, match="factor model, sweep 1"):
        fit(problem.observed, *designs, 1, 5, 0.0, torch.Generator())
