"""Regression with an effect of each user: the mode by Newton's method, the spread of the effects by the marginal likelihood.

Row i has the predictor e_i = w . f_i + b_u and a log-likelihood l_i(e_i) that is concave in it. The effects are b_u ~ N(0,
spread^2), and the weights have a weak N(0, 100^2) prior. Newton's step solves

    [ A    C  ] [dw]   [g_w]
    [ C^T  D  ] [db] = [g_b]

exactly: D, the block of the users, is diagonal, so the users are eliminated first (the Schur complement A - C D^-1 C^T is
F x F). The spread maximises Laplace's approximation of the marginal likelihood (Breslow and Clayton, JASA 1993).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from darlr.errors import RunError

PRECISION = 1e-4
"""The precision of the prior on every weight; it keeps weights finite that the data do not bound."""
NEWTON_STEPS = 100
TOLERANCE = 1e-10
"""The relative change of the objective at which Newton's method stops."""
SHORTEST = 1e-6
"""The smallest share of a Newton step that is tried."""
SPREADS = (0.02, 4.0)
"""The smallest and largest spread that is tried besides 0."""
GOLDEN = (5**0.5 - 1) / 2
SEARCHES = 18
"""The steps of the golden-section search; the spread is then known to 0.1%."""


class Likelihood(Protocol):
    """The log-likelihood of n rows as a function of their predictors."""

    def values(self, predictors: Tensor) -> Tensor:
        """Return (n,) l_i at the predictors e (n,)."""
        ...

    def slopes(self, predictors: Tensor) -> tuple[Tensor, Tensor]:
        """Return (n,) dl_i/de and (n,) -d^2 l_i/de^2, which is 0 or more."""
        ...


@dataclass(frozen=True)
class Binary:
    """l = y e - log(1 + exp(e)): the outcome 1 has the probability sigmoid(e).

    Attributes:
        outcomes: (n,) float64, 0 or 1.
    """

    outcomes: Tensor

    def values(self, predictors: Tensor) -> Tensor:
        return -F.binary_cross_entropy_with_logits(predictors, self.outcomes, reduction="none")

    def slopes(self, predictors: Tensor) -> tuple[Tensor, Tensor]:
        means = predictors.sigmoid()
        return self.outcomes - means, means * (1 - means)


@dataclass(frozen=True)
class Rows:
    """n observations.

    Attributes:
        features: (n, F) float64.
        likelihood: of the rows.
        users: (n,) int64.
        n_users: U.
        scaled: a number k of rows, if the last weight is a scale: k times its logarithm is part of the log-likelihood, and it
            is above 0. Else 0.
    """

    features: Tensor
    likelihood: Likelihood
    users: Tensor
    n_users: int
    scaled: int = 0


@dataclass(frozen=True)
class Fitted:
    """A fitted regression.

    Attributes:
        weights: (F,) float64, w.
        covariance: (F, F) float64, of w, with the users' effects integrated out.
        effects, deviations: (U,) float64, mode and standard deviation of b_u; 0 and `spread` for users without rows.
        spread: the standard deviation of the effects.
        evidence: the logarithm of the marginal likelihood, by Laplace's approximation.
    """

    weights: Tensor
    covariance: Tensor
    effects: Tensor
    deviations: Tensor
    spread: float
    evidence: float


@dataclass(frozen=True)
class _Curvature:
    """The Hessian at the mode, with the users eliminated: D (U,), C (F, U) and the Schur complement (F, F)."""

    diagonal: Tensor
    cross: Tensor
    schur: Tensor


def fit_regression(rows: Rows, start: Tensor | None = None) -> Fitted:
    """Fit weights, effects and spread; a spread of 0, without effects, is taken if it has the largest marginal likelihood.

    Args:
        rows: the observations.
        start: (F,) weights to begin from; None: 0.
    """
    begin = None if start is None else (start, rows.features.new_zeros(rows.n_users))
    found = [fit_with_spread(rows, 0.0, begin)]

    def try_spread(log_spread: float) -> float:
        last = found[-1]
        found.append(fit_with_spread(rows, math.exp(log_spread), (last.weights, last.effects)))
        return found[-1].evidence

    _golden_section(try_spread, *map(math.log, SPREADS))
    return max(found, key=lambda fitted: fitted.evidence)


def _golden_section(value: Callable[[float], float], low: float, high: float) -> None:
    """Evaluate `value` on ever smaller intervals around its largest value between `low` and `high`."""
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = value(left), value(right)
    for _ in range(SEARCHES):
        if at_left > at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = value(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = value(right)


def fit_with_spread(rows: Rows, spread: float, start: tuple[Tensor, Tensor] | None = None) -> Fitted:
    """Return the mode for a known spread of the users' effects.

    Args:
        rows: the observations.
        spread: the standard deviation of the effects; 0: there are none.
        start: weights (F,) and effects (U,) to begin from.

    Raises:
        RunError: if Newton's method does not converge.
    """
    size = rows.features.shape[1]
    weights, effects = (rows.features.new_zeros(count) for count in (size, rows.n_users)) if start is None else start
    objective = _objective(rows, weights, effects, spread)
    for _ in range(NEWTON_STEPS):
        step_w, step_b, _ = _newton(rows, weights, effects, spread)
        length = 1.0
        while (new := _objective(rows, weights + length * step_w, effects + length * step_b, spread)) < objective and (
            length > SHORTEST
        ):
            length /= 2
        gained = new - objective
        if gained > 0:
            weights, effects, objective = weights + length * step_w, effects + length * step_b, new
        if gained <= TOLERANCE * (abs(objective) + 1):
            return _fitted(rows, weights, effects, spread, objective)
    raise RunError(f"the fit to the log's sessions did not converge in {NEWTON_STEPS} steps")


def _objective(rows: Rows, weights: Tensor, effects: Tensor, spread: float) -> float:
    """Return the logarithm of likelihood times priors, without the priors' constants."""
    if rows.scaled and weights[-1] <= 0:
        return -math.inf
    likelihood = rows.likelihood.values(rows.features @ weights + effects[rows.users]).sum()
    if rows.scaled:
        likelihood = likelihood + rows.scaled * weights[-1].log()
    prior = PRECISION * weights.square().sum() + (effects.square().sum() / spread**2 if spread else 0.0)
    return float(likelihood - prior / 2)


def _newton(rows: Rows, weights: Tensor, effects: Tensor, spread: float) -> tuple[Tensor, Tensor, _Curvature]:
    """Return Newton's step of the weights (F,) and the effects (U,), and the curvature."""
    rest, own = rows.likelihood.slopes(rows.features @ weights + effects[rows.users])
    g_w = rows.features.T @ rest - PRECISION * weights
    weighted = rows.features * own[:, None]
    a = rows.features.T @ weighted + PRECISION * torch.eye(len(weights), dtype=weights.dtype)
    if rows.scaled:
        g_w[-1] += rows.scaled / weights[-1]
        a[-1, -1] += rows.scaled / weights[-1] ** 2
    if not spread:
        curvature = _Curvature(effects.new_ones(0), effects.new_zeros(len(weights), 0), a)
        return torch.linalg.solve(a, g_w), torch.zeros_like(effects), curvature
    precision = 1 / spread**2
    g_b = torch.zeros_like(effects).index_add_(0, rows.users, rest) - precision * effects
    diagonal = torch.full_like(effects, precision).index_add_(0, rows.users, own)
    cross = effects.new_zeros(rows.n_users, len(weights)).index_add_(0, rows.users, weighted).T
    schur = a - (cross / diagonal) @ cross.T
    step_w = torch.linalg.solve(schur, g_w - cross @ (g_b / diagonal))
    step_b = (g_b - cross.T @ step_w) / diagonal
    return step_w, step_b, _Curvature(diagonal, cross, schur)


def _fitted(rows: Rows, weights: Tensor, effects: Tensor, spread: float, objective: float) -> Fitted:
    _, _, curvature = _newton(rows, weights, effects, spread)
    # Laplace: the prior's normalisation minus half the logarithm of the Hessian's determinant, constants of w left out.
    scale = curvature.diagonal * spread**2 if spread else curvature.diagonal
    evidence = objective - 0.5 * float(scale.log().sum() + torch.linalg.slogdet(curvature.schur).logabsdet)
    covariance = torch.linalg.inv(curvature.schur)
    deviations = torch.zeros_like(effects)
    if spread:
        shared = curvature.cross / curvature.diagonal  # the weights are uncertain, too
        deviations = (1 / curvature.diagonal + (shared * (covariance @ shared)).sum(dim=0)).sqrt()
    return Fitted(weights, covariance, effects, deviations, spread, evidence)
