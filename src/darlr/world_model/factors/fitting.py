"""Variational Bayes for the factor model: users and items are updated in turn, each in closed form, until the gain is small.

The objective is the evidence lower bound with Gaussian posteriors q(users) q(items) q(features' weights), up to a constant.
No update lowers it. Both sides' priors are free during the fit, although one free prior would do. The model is the same and
needs fewer sweeps (parameter expansion: Liu, Rubin & Wu, Biometrika 1998). At the end the factors are turned so that the
users' prior around their features' mean is a ~ N(0, t), z ~ N(0, I).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from darlr.cluster.workers import HERE, Workers
from darlr.errors import RunError
from darlr.world_model.factors.design import Design
from darlr.world_model.factors.observations import Observations
from darlr.world_model.factors.parts import Known, Learned, Part, learn, turned
from darlr.world_model.factors.posterior import Moments, Posteriors, Side
from darlr.world_model.factors.sums import Totals

BLOCK_NUMBERS = 8_000_000
"""Approximate number of values in memory for one block of entities (64 MB for each copy of the block)."""

NOISE_FLOOR = 1e-6
"""Smallest variance of the noise, in units of the targets' variance."""

USER_CONSTANT, ITEM_CONSTANT = 0, 1
"""Index of the entry that is always 1: of users' (1, a, z) and of items' (b, 1, v)."""


@dataclass(frozen=True)
class Fitted:
    """The result of a fit; e = size + 2.

    Attributes:
        users, items: both sides, turned so that users' prior around their features is diag(t, I) and its average 0.
        noise: variance of a response around its mean.
        objective: after each sweep, per logged row.
    """

    users: Posteriors
    items: Posteriors
    noise: float
    objective: tuple[float, ...]


def block_of(size: int, columns: int) -> int:
    """The number of entities in a block, for factors of `size` and this number of feature columns."""
    return max(1, BLOCK_NUMBERS // (2 * (size + 2) ** 2 + columns))


@dataclass(frozen=True)
class Start:
    """The start of a fit: users, of which only the prior is used, items, and the variance of the noise."""

    users: Side
    items: Side
    noise: float


def fit(
    observed: Observations,
    users: Design,
    items: Design,
    size: int,
    sweeps: int,
    tolerance: float,
    generator: torch.Generator,
    start: Start | None = None,
    workers: Workers = HERE,
) -> Fitted:
    """Fit factors of `size` to the observed pairs.

    Args:
        observed: the pairs, with targets and weights.
        users, items: features of both sides' entities.
        size: number of factors beside the biases.
        sweeps, tolerance: see `FactorSettings`.
        generator: on the CPU; it draws the items' first factors if there is no `start`.
        start: sides and noise of a former fit, or None.
        workers: update the users; the numbers do not depend on them.

    Raises:
        RunError: if the objective becomes NaN or infinite.
    """
    start = _start(observed, users, items, size, generator) if start is None else start
    user_side, item_side, noise = start.users.prior_alone(), start.items, start.noise
    blocks = [block_of(size, len(design.columns.means)) for design in (users, items)]
    parts = workers.hold([Part(rows, users.part(*rows.users), blocks[0]) for rows in observed.parts])
    objective: list[float] = []
    for sweep in range(1, sweeps + 1):
        known = Known.of(user_side, item_side, noise)
        try:
            moments, totals = _added(workers.apply(learn, parts, known))
            user_side.relearn_prior(moments)
            noise = max((moments.error + observed.square) / observed.weight, NOISE_FLOOR)
            error = item_side.learn(totals.of(observed.background), noise, blocks[1]) + observed.square
        except RuntimeError as problem:
            raise RunError(f"factor model, sweep {sweep}: {problem}; stopped") from problem
        noise = max(error / observed.weight, NOISE_FLOOR)
        likelihood = -(observed.weight * math.log(2 * math.pi * noise) + error / noise) / 2
        objective.append((likelihood + user_side.evidence + item_side.evidence) / observed.rows)
        if not math.isfinite(objective[-1]):
            raise RunError(f"factor model, sweep {sweep}: the objective is {objective[-1]}; stopped")
        if sweep > 1 and objective[-1] - objective[-2] < tolerance:
            break
    matrix = turn_of(user_side).contiguous()
    found = workers.apply(turned, parts, (known, matrix))
    means, covariances = (torch.cat(tensors) for tensors in zip(*found, strict=True))
    user_side.turn(matrix)
    item_side.turn(torch.linalg.inv(matrix).T)
    return Fitted(Posteriors.of(user_side, means, covariances), Posteriors.of(item_side), noise, tuple(objective))


def _added(learned: Iterator[Learned]) -> tuple[Moments, Totals]:
    """The sums over all parts, in their order."""
    first = next(learned)
    moments, totals = first.moments, first.totals
    for one in learned:
        moments.add(one.moments)
        totals.add(one.totals)
    return moments, totals


def _start(observed: Observations, users: Design, items: Design, size: int, generator: torch.Generator) -> Start:
    device = observed.parts[0].by_user.pulls.device
    user_means = torch.zeros(0, size + 2, dtype=torch.float64, device=device)
    item_means = torch.zeros(observed.n_items, size + 2, dtype=torch.float64, device=device)
    user_means[:, USER_CONSTANT] = item_means[:, ITEM_CONSTANT] = 1.0
    item_means[:, 2:] = 0.3 * torch.randn(len(item_means), size, generator=generator, dtype=torch.float64).to(device)
    user_variances = torch.ones(size + 1, dtype=torch.float64, device=device)
    user_variances[0] = 0.2  # of the bias
    item_variances = torch.full_like(user_variances, 0.3)
    return Start(
        Side.start(user_means, USER_CONSTANT, 0.0, user_variances, users),
        Side.start(item_means, ITEM_CONSTANT, 0.1, item_variances, items),
        noise=0.7,
    )


def turn_of(users: Side) -> Tensor:
    """The map (e, e) of (1, a, z) that centres and whitens z, and takes from a its mean and the part that z explains.

    Items are mapped by its transposed inverse, so that h . g does not change.
    """
    entries = len(users.centre)
    # The free entries are (a, z).
    whiten = torch.linalg.inv(torch.linalg.cholesky(users.prior[1:, 1:]))
    slopes = whiten.T @ (whiten @ users.prior[1:, 0])
    turn = torch.eye(entries, dtype=torch.float64, device=users.centre.device)
    turn[2:, 2:] = whiten
    turn[2:, 0] = -(whiten @ users.centre[2:])
    turn[1, 2:] = -slopes
    turn[1, 0] = slopes @ users.centre[2:] - users.centre[1]
    return turn
