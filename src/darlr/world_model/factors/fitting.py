"""Variational Bayes for the factor model: users and items are updated in turn, each in closed form, until the gain is small.

The objective is the evidence lower bound with Gaussian posteriors q(users) q(items) q(features' weights), up to a constant.
No update lowers it. Both sides' priors are free during the fit, although one free prior would do. The model is the same and
needs fewer sweeps (parameter expansion: Liu, Rubin & Wu, Biometrika 1998). At the end the factors are turned so that the
users' prior around their features' mean is a ~ N(0, t), z ~ N(0, I).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from darlr.cluster.workers import HERE, Workers
from darlr.errors import RunError
from darlr.world_model.factors.background import Background
from darlr.world_model.factors.design import Design
from darlr.world_model.factors.observations import Ends, Observations
from darlr.world_model.factors.parts import Entities, Known, learn_items, learn_users, turned_items, turned_users
from darlr.world_model.factors.posterior import Moments, Posteriors, Side
from darlr.world_model.factors.sums import Expectations

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
        start: from a former fit, or None.
        workers: hold the parts of `observed` and update both sides; the numbers do not depend on them.

    Raises:
        RunError: if the objective becomes NaN or infinite.
    """
    of_users, of_items = observed.backgrounds
    entities = _cut(users, of_users, observed.users, size), _cut(items, of_items, observed.items, size)
    state = _Sweeps(observed, start or _start(users, items, size, generator), *entities, workers)
    objective: list[float] = []
    for sweep in range(1, sweeps + 1):
        try:
            objective.append(state.sweep())
        except RuntimeError as problem:
            raise RunError(f"factor model, sweep {sweep}: {problem}; stopped") from problem
        if not math.isfinite(objective[-1]):
            raise RunError(f"factor model, sweep {sweep}: the objective is {objective[-1]}; stopped")
        if sweep > 1 and objective[-1] - objective[-2] < tolerance:
            break
    return Fitted(*state.posteriors(), state.noise, tuple(objective))


class _Sweeps:
    """The sweeps of a fit. Both sides' priors are here; rows and sums over them are where the workers hold them."""

    _given_users: tuple[Known, Expectations]  # of the last sweep, as all below
    _given_items: Known
    _sums: Sequence[Any]

    def __init__(
        self, observed: Observations, start: Start, users: Sequence[Entities], items: Sequence[Entities], workers: Workers
    ) -> None:
        """
        Args:
            observed: the pairs.
            start: the state before the first sweep.
            users: those of each part.
            items: those of each slice.
            workers: update both sides.
        """
        self._observed, self._workers = observed, workers
        self._users, self._items, self.noise = start.users.prior_alone(), start.items.prior_alone(), start.noise
        self._expectations = Expectations.of(start.items.means, start.items.products, observed.backgrounds[1])
        self._parts = workers.pairs(observed.parts, workers.hold(users))
        self._slices = workers.hold(items)

    def sweep(self) -> float:
        """Update all users, then all items, each time with the prior and the noise; returns the objective per logged row."""
        observed, workers = self._observed, self._workers
        # The last digits depend on it that users' weights are contiguous in memory and that items' are as they come.
        self._given_users = Known.of(self._users, self.noise).contiguous(), self._expectations
        learned, sums = workers.add_up(learn_users, self._parts, len(self._slices), *self._given_users, observed.items)
        moments = Moments.sum(learned)
        self._users.relearn_prior(moments)
        self.noise = max((moments.error + observed.square) / observed.weight, NOISE_FLOOR)
        self._given_items, self._sums = Known.of(self._items, self.noise), workers.pairs(sums, self._slices)
        found = list(workers.apply(learn_items, self._sums, self._given_items))
        moments = Moments.sum([own for own, _ in found])
        self._items.relearn_prior(moments)
        self._expectations = Expectations.joined([expectations for _, expectations in found])
        error = moments.error + observed.square
        self.noise = max(error / observed.weight, NOISE_FLOOR)
        likelihood = -(observed.weight * math.log(2 * math.pi * self.noise) + error / self.noise) / 2
        return (likelihood + self._users.evidence + self._items.evidence) / observed.rows

    def posteriors(self) -> tuple[Posteriors, Posteriors]:
        """Users and items after the last sweep, turned. Neither side's are kept from the sweep: they are computed again."""
        matrix = turn_of(self._users).contiguous()
        of_items = torch.linalg.inv(matrix).T
        self._users.turn(matrix)
        self._items.turn(of_items)
        users = self._workers.apply(turned_users, self._parts, *self._given_users, matrix)
        items = self._workers.apply(turned_items, self._sums, self._given_items, of_items)
        return _together(self._users, self._observed.users, users), _together(self._items, self._observed.items, items)


def _cut(design: Design, background: Background | None, ends: Sequence[Ends], size: int) -> list[Entities]:
    block = block_of(size, len(design.columns.means))
    return [Entities(design.part(*own), None if background is None else background.of(*own), block) for own in ends]


def _together(side: Side, ends: Sequence[Ends], found: Iterator[tuple[Tensor, Tensor]]) -> Posteriors:
    """The posteriors of all entities, from those between each of the `ends`: one part at a time is in memory twice."""
    n, entries = ends[-1][1], len(side.centre)
    means = side.centre.new_empty(n, entries)
    covariances = side.centre.new_empty(n, *side.prior.shape, dtype=torch.float32)
    for (first, last), part in zip(ends, found, strict=True):
        means[first:last], covariances[first:last] = part
    return Posteriors.of(side, means, covariances)


def _start(users: Design, items: Design, size: int, generator: torch.Generator) -> Start:
    device = items.columns.means.device
    user_means = torch.zeros(0, size + 2, dtype=torch.float64, device=device)
    item_means = torch.zeros(len(items.description), size + 2, dtype=torch.float64, device=device)
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
