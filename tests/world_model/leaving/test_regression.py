"""The regression against its definition: gradients, a hand-worked share, and a plain integral."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from darlr.world_model.leaving.regression import PRECISION, Binary, Rows, fit_regression, fit_with_spread


def rows_of(seed: int, n: int = 400, n_users: int = 20, weights: tuple[float, ...] = (-1.0, 0.8), spread: float = 0.0) -> Rows:
    random = np.random.default_rng(seed)
    features = np.column_stack([np.ones(n), random.standard_normal((n, len(weights) - 1))])
    users = random.integers(n_users, size=n)
    logits = features @ np.array(weights) + spread * random.standard_normal(n_users)[users]
    outcomes = random.random(n) < 1 / (1 + np.exp(-logits))
    return Rows(torch.from_numpy(features), Binary(torch.from_numpy(outcomes).double()), torch.from_numpy(users), n_users)


def test_an_intercept_alone_is_the_logit_of_the_share() -> None:
    outcomes = torch.tensor([1.0, 0.0, 0.0, 0.0] * 50, dtype=torch.float64)
    fitted = fit_with_spread(Rows(torch.ones(200, 1, dtype=torch.float64), Binary(outcomes), torch.zeros(200).long(), 1), 0.0)
    assert float(fitted.weights) == pytest.approx(math.log(0.25 / 0.75), abs=1e-5)
    assert float(fitted.covariance) == pytest.approx(1 / (200 * 0.25 * 0.75), rel=1e-4)
    assert fitted.effects.tolist() == fitted.deviations.tolist() == [0.0]


@settings(max_examples=20)
@given(st.integers(0, 1000), st.sampled_from([0.0, 0.1, 1.0]))
def test_the_mode_has_no_gradient(seed: int, spread: float) -> None:
    rows = rows_of(seed, n=60, n_users=5)
    fitted = fit_with_spread(rows, spread)
    rest, _ = rows.likelihood.slopes(rows.features @ fitted.weights + fitted.effects[rows.users])
    torch.testing.assert_close(rows.features.T @ rest, PRECISION * fitted.weights, atol=1e-4, rtol=0)
    if spread:
        of_users = torch.zeros(5, dtype=torch.float64).index_add_(0, rows.users, rest)
        torch.testing.assert_close(of_users, fitted.effects / spread**2, atol=1e-4, rtol=0)


def test_uncertainties_are_those_of_the_whole_hessian() -> None:
    rows = rows_of(3, n=80, n_users=4)
    fitted = fit_with_spread(rows, 0.7)
    dummies = torch.eye(4, dtype=torch.float64)[rows.users]
    design = torch.cat([rows.features, dummies], dim=1)
    means = (design @ torch.cat([fitted.weights, fitted.effects])).sigmoid()
    prior = torch.diag(torch.tensor([PRECISION] * 2 + [1 / 0.7**2] * 4, dtype=torch.float64))
    inverse = torch.linalg.inv(design.T @ (design * (means * (1 - means))[:, None]) + prior)
    torch.testing.assert_close(fitted.covariance, inverse[:2, :2])
    torch.testing.assert_close(fitted.deviations, inverse.diagonal()[2:].sqrt())


def test_the_evidence_is_near_the_integral() -> None:
    """One weight whose prior hardly counts, and one user: the effect is integrated on a grid, with the weight at its mode."""
    rows = rows_of(1, n=300, n_users=1, weights=(-0.5,))
    differences = []
    for spread in (0.3, 1.0):
        fitted = fit_with_spread(rows, spread)
        grid = torch.linspace(-8, 8, 4001, dtype=torch.float64)
        weights = torch.linspace(-12, 12, 1201, dtype=torch.float64)
        logits = weights[:, None] + grid
        assert isinstance(rows.likelihood, Binary)
        ones = float(rows.likelihood.outcomes.sum())
        log_joint = ones * logits - 300 * torch.nn.functional.softplus(logits)
        log_joint = log_joint - grid.square() / (2 * spread**2) - math.log(spread) - PRECISION * weights[:, None] ** 2 / 2
        differences.append(float(torch.logsumexp(log_joint.flatten(), 0)) - fitted.evidence)
    assert differences[0] == pytest.approx(differences[1], abs=0.02)  # equal up to the constants that are left out


def test_finds_the_spread_and_the_weights() -> None:
    rows = rows_of(0, n=40_000, n_users=400, weights=(-1.5, 0.8, -0.4), spread=0.6)
    fitted = fit_regression(rows)
    assert fitted.spread == pytest.approx(0.6, abs=0.08)
    errors = (fitted.weights - torch.tensor([-1.5, 0.8, -0.4])) / fitted.covariance.diagonal().sqrt()
    assert errors.abs().max() < 3


def test_finds_no_spread_where_there_is_none() -> None:
    assert fit_regression(rows_of(5, n=4_000, n_users=50)).spread < 0.15


def test_separable_rows_and_users_without_rows_stay_finite() -> None:
    features = torch.tensor([[1.0, -1.0]] * 20 + [[1.0, 1.0]] * 20, dtype=torch.float64)
    outcomes = torch.cat([torch.zeros(20), torch.ones(20)]).double()
    fitted = fit_regression(Rows(features, Binary(outcomes), torch.arange(40) % 3, 5))
    assert torch.isfinite(fitted.weights).all()
    assert fitted.effects[3:].tolist() == [0.0, 0.0]
    assert fitted.weights[1] > 3
