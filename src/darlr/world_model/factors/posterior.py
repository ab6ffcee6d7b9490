"""One side of the pairs: the Gaussian posteriors of its entities, and the prior that they share.

A pair's mean response is h_i . g_u with h_i = (b_i, 1, v_i) and g_u = (1, a_u, z_u), so both sides are the same but for the
place of the entry that is always 1. An entity's other entries are N(m, C) in the posterior and N(centre + W' x, L) in the prior.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from darlr.world_model.factors.design import Design
from darlr.world_model.factors.observations import Groups

FLOOR = 1e-6
"""Variance below which no factor's prior falls, so that one that explains nothing stays harmless."""


@dataclass
class Side:
    """The state of one side's n entities; e = size + 2 entries each, float64.

    Attributes:
        fixed: which entry is always 1.
        means: (n, e) E h.
        covariances: (n, e, e), zero in the fixed entry's row and column.
        design: the features of the n entities.
        centre: (e,) prior mean of an entity with average features; 1 in the fixed entry.
        weights: (F, e) what the features add to it.
        prior: (e, e) covariance around it, zero in the fixed entry's row and column.
        evidence: what this side adds to the objective: (sum of log |C| - n log |L|) / 2.
    """

    fixed: int
    means: Tensor
    covariances: Tensor
    design: Design
    centre: Tensor
    weights: Tensor
    prior: Tensor
    evidence: float = 0.0

    @classmethod
    def start(cls, n: int, fixed: int, design: Design, variances: Tensor, spread: Tensor) -> "Side":
        """Everybody alike. Args: variances: (e,) of the prior; spread: (e,) variances of the first posteriors."""
        centre = torch.zeros_like(variances)
        centre[fixed] = 1.0
        weights = variances.new_zeros(len(design.columns.means), len(variances))
        covariances = torch.diag(spread).expand(n, -1, -1).clone()
        return cls(fixed, centre.expand(n, -1).clone(), covariances, design, centre, weights, torch.diag(variances))

    @property
    def free(self) -> list[int]:
        return [entry for entry in range(len(self.centre)) if entry != self.fixed]

    def products(self) -> Tensor:
        """(n, e (e + 1) / 2) the distinct entries of E h h', row by row of its upper triangle."""
        rows, columns = torch.triu_indices(len(self.centre), len(self.centre), device=self.means.device)
        products = self.means[:, rows]
        products *= self.means[:, columns]
        products += self.covariances[:, rows, columns]
        return products

    def learn(self, rows: Groups, other: "Side", noise: float, block: int) -> float:
        """Update every entity's posterior, then the prior, given the other side and the variance of the noise.

        Both are the exact maximum of the objective over what they change.

        Returns:
            The sum over all pairs of weight times E[(h . g)^2 - 2 target h . g]: squared errors without the targets' squares.
        """
        means, products = other.means, other.products()
        moments = _Moments.zero(self)
        error = 0.0
        precision = torch.linalg.inv(self.prior[self.free][:, self.free])
        for first in range(0, len(rows), block):
            last = min(first + block, len(rows))
            packed, pulls = rows.statistics(first, last, means, products)
            sums = _unpacked(packed, len(self.centre))
            features = self.design.matrix(first, last)
            log_determinants = self._update(first, last, sums / noise, pulls / noise, precision, features)
            own, covariance = self.means[first:last], self.covariances[first:last]
            expected = own.unsqueeze(2) * own.unsqueeze(1) + covariance
            error += float((sums * expected).sum() - 2 * (pulls * own).sum())
            moments.add(own, covariance, features, log_determinants)
        self._relearn_prior(moments)
        return error

    def _update(self, first: int, last: int, sums: Tensor, pulls: Tensor, precision: Tensor, features: Tensor) -> float:
        """Posteriors of the entities `first` to `last`; returns the sum of the log-determinants of their covariances."""
        free, fixed = self.free, self.fixed
        expected = self.expected(features)[:, free]
        wanted = expected @ precision + pulls[:, free] - sums[:, free, fixed]
        factor = torch.linalg.cholesky(precision + sums[:, free][:, :, free])
        covariance = torch.cholesky_inverse(factor)
        self.means[first:last, free] = (covariance @ wanted.unsqueeze(2)).squeeze(2)
        filled = torch.zeros_like(sums)
        filled[:, torch.tensor(free)[:, None], torch.tensor(free)] = covariance
        self.covariances[first:last] = filled
        return -2 * float(factor.diagonal(dim1=1, dim2=2).log().sum())

    def _relearn_prior(self, moments: "_Moments") -> None:
        """The prior that suits the posteriors best: centre, then weights, then covariance, each in closed form."""
        n, free = len(self.means), self.free
        self.centre = moments.total / n
        self.weights = self.design.solve(moments.explained)
        around = moments.square - n * torch.outer(self.centre, self.centre) - self.weights.T @ moments.explained
        scatter = (around + around.T)[free][:, free] / 2
        covariance = scatter / n + FLOOR * torch.eye(len(free), dtype=scatter.dtype, device=scatter.device)
        self.prior = torch.zeros_like(self.prior)
        self.prior[torch.tensor(free)[:, None], torch.tensor(free)] = covariance
        self.evidence = (moments.log_determinants - n * float(torch.logdet(covariance))) / 2

    def expected(self, features: Tensor) -> Tensor:
        """(n, e) prior means of entities with `features` (n, F)."""
        return self.centre + features @ self.weights


@dataclass
class _Moments:
    """Sums over a side's entities.

    Attributes:
        total: (e,) of E h.
        square: (e, e) of E h h'.
        explained: (F, e) of the features times E h.
        log_determinants: of log |C|.
    """

    total: Tensor
    square: Tensor
    explained: Tensor
    log_determinants: float = 0.0

    @classmethod
    def zero(cls, side: Side) -> "_Moments":
        return cls(torch.zeros_like(side.centre), torch.zeros_like(side.prior), torch.zeros_like(side.weights))

    def add(self, means: Tensor, covariances: Tensor, features: Tensor, log_determinants: float) -> None:
        self.total += means.sum(dim=0)
        self.square += means.T @ means + covariances.sum(dim=0)
        self.explained += features.T @ means
        self.log_determinants += log_determinants


def _unpacked(packed: Tensor, entries: int) -> Tensor:
    """(n, e, e) symmetric matrices from the rows of their upper triangles, (n, e (e + 1) / 2)."""
    place = torch.zeros(entries, entries, dtype=torch.long, device=packed.device)
    rows, columns = torch.triu_indices(entries, entries, device=packed.device)
    numbers = torch.arange(len(rows), device=packed.device)
    place[rows, columns] = numbers
    place[columns, rows] = numbers
    return packed[:, place]
