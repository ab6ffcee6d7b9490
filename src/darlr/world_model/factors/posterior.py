"""One side of the pairs: the Gaussian posteriors of its entities, and the prior that they share.

A pair's mean response is h_i . g_u with h_i = (b_i, 1, v_i) and g_u = (1, a_u, z_u). Both sides are the same but for the
place of the entry that is always 1. An entity's other entries are N(m, C) in the posterior. In the prior they are N(centre
+ W' x, L), where x are its features.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from darlr.world_model.factors.design import Design
from darlr.world_model.factors.sums import Sums

FLOOR = 1e-6
"""Smallest variance of a factor's prior. It keeps a factor that explains nothing harmless."""


TURNED_AT_ONCE = 1 << 16
"""Number of entities whose posteriors are turned together. Two copies of their covariances are in memory beside all
posteriors.
"""


class Packing:
    """Packs the distinct entries of symmetric (e, e) matrices into one row, and knows the entries of the free part."""

    def __init__(self, entries: int, fixed: int, device: torch.device) -> None:
        self.free = torch.tensor([entry for entry in range(entries) if entry != fixed], device=device)
        self.rows, self.columns = torch.triu_indices(entries, entries, device=device)
        count = len(self.rows)
        self.place = torch.zeros(entries, entries, dtype=torch.long, device=device)
        self.place[self.rows, self.columns] = self.place[self.columns, self.rows] = torch.arange(count, device=device)
        self.free_place = self.place[self.free][:, self.free].flatten()
        self.fixed_place = self.place[self.free, fixed]
        self.times = torch.where(self.rows == self.columns, 1.0, 2.0).double()  # number of times that a matrix has the entry

    def products(self, means: Tensor, covariances: Tensor) -> Tensor:
        """The distinct entries of E h h', (n, p), for means (n, e) and covariances of the free entries (n, f, f)."""
        packed = means[:, self.rows]
        packed *= means[:, self.columns]
        upper = torch.triu_indices(*covariances.shape[1:], device=means.device)
        packed[:, self.place[self.free[upper[0]], self.free[upper[1]]]] += covariances[:, upper[0], upper[1]]
        return packed


@dataclass
class Side:
    """The state of one side's n entities, float64. Each has e = size + 2 entries, of which f = e - 1 are free.

    Attributes:
        fixed: index of the entry that is always 1.
        means: (n, e) E h.
        covariances: (n, f, f) of the free entries; (0, f, f) if they are not kept.
        products: (n, p) the distinct entries of E h h', see `Packing`.
        packing: how the products are packed.
        design: the features of the n entities.
        centre: (e,) prior mean of an entity with average features; 1 in the fixed entry.
        weights: (F, e) added to the prior mean for each column of the features.
        prior: (f, f) covariance of the free entries around the prior mean.
        evidence: this side's part of the objective: (sum of log |C| - n log |L|) / 2.
    """

    fixed: int
    means: Tensor
    covariances: Tensor
    products: Tensor
    packing: Packing
    design: Design
    centre: Tensor
    weights: Tensor
    prior: Tensor
    evidence: float = 0.0

    @classmethod
    def start(cls, means: Tensor, fixed: int, spread: float, variances: Tensor, design: Design) -> "Side":
        """A side before its first update, with the prior N(0, diag(variances)).

        Args:
            means: (n, e).
            fixed: index of the entry that is always 1.
            spread: variance of the posteriors.
            variances: (f,) of the prior.
            design: the features of the n entities.
        """
        n, entries = means.shape
        packing = Packing(entries, fixed, means.device)
        covariances = torch.diag(torch.full_like(variances, spread)).expand(n, -1, -1).clone()
        centre = means.new_zeros(entries)
        centre[fixed] = 1.0
        weights = means.new_zeros(len(design.columns.means), entries)
        products = packing.products(means, covariances)
        return cls(fixed, means, covariances, products, packing, design, centre, weights, torch.diag(variances))

    @property
    def free(self) -> Tensor:
        """The indices (f,) of the entries that are not always 1."""
        return self.packing.free

    def update(self, sums: Sums, noise: float, block: int) -> "Moments":
        """Update every entity's posterior, given the other side and the prior.

        This and `relearn_prior` are each the exact maximum of the objective, the other one's results held fixed.

        Args:
            sums: over the entities' pairs.
            noise: variance of a response around its mean.
            block: number of entities that are updated at once.

        Returns:
            The sums that the prior is fitted to.
        """
        moments = Moments.zero(self)
        precision = torch.linalg.inv(self.prior)
        for first in range(0, len(sums), block):
            last = min(first + block, len(sums))
            seconds, pulls = sums.statistics(first, last)
            features = self.design.matrix(first, last)
            log_determinants = self._update(first, last, seconds / noise, pulls / noise, precision, features)
            means, products = self.means[first:last], self.products[first:last]
            error = float((seconds * products).sum(dim=0) @ self.packing.times - 2 * (pulls * means).sum())
            moments.add(_moments(means, products, features, log_determinants, error))
        return moments

    def turn(self, matrix: Tensor) -> None:
        """Map every entity's h, and the prior's, by `matrix` (e, e), which leaves the fixed entry unchanged."""
        inner = matrix[self.free][:, self.free]
        self.means = self.means @ matrix.T
        for first in range(0, len(self.means), TURNED_AT_ONCE):
            part = slice(first, first + TURNED_AT_ONCE)
            self.covariances[part] = inner @ self.covariances[part] @ inner.T
            self.products[part] = self.packing.products(self.means[part], self.covariances[part])
        self.centre = matrix @ self.centre
        self.weights = self.weights @ matrix.T
        self.prior = inner @ self.prior @ inner.T

    def prior_alone(self) -> "Side":
        """The same prior without entities."""
        none = (tensor[:0].clone() for tensor in (self.means, self.covariances, self.products))
        means, covariances, products = none
        return replace(self, means=means, covariances=covariances, products=products)

    def expected(self, features: Tensor) -> Tensor:
        """The prior means (n, e) of entities with `features` (n, F)."""
        return self.centre + features @ self.weights

    def _update(self, first: int, last: int, sums: Tensor, pulls: Tensor, precision: Tensor, features: Tensor) -> float:
        """Update the posteriors of the entities `first` to `last`; returns the sum of the log-determinants of their
        covariances.
        """
        packing, free = self.packing, self.free
        gathered = sums[:, packing.free_place].view(-1, len(free), len(free))
        wanted = self.expected(features)[:, free] @ precision + pulls[:, free] - sums[:, packing.fixed_place]
        factor = torch.linalg.cholesky(gathered + precision)
        identity = torch.eye(len(free), dtype=factor.dtype, device=factor.device).expand_as(factor)
        root = torch.linalg.solve_triangular(factor, identity, upper=False)
        covariances = root.mT @ root  # faster than torch.cholesky_inverse on small matrices
        self.means[first:last, free] = (covariances @ wanted.unsqueeze(2)).squeeze(2)
        if len(self.covariances):
            self.covariances[first:last] = covariances
        self.products[first:last] = packing.products(self.means[first:last], covariances)
        return -2 * float(factor.diagonal(dim1=1, dim2=2).log().sum())

    def relearn_prior(self, moments: "Moments") -> None:
        """Fit the prior to the posteriors: centre, then weights, then covariance, each in closed form."""
        n, free = moments.entities, self.free
        self.centre = moments.total / n
        self.weights = self.design.solve(moments.explained)
        around = moments.square[self.packing.place] - n * torch.outer(self.centre, self.centre)
        around -= self.weights.T @ moments.explained
        scatter = ((around + around.T) / 2)[free][:, free]
        self.prior = scatter / n + FLOOR * torch.eye(len(free), dtype=scatter.dtype, device=scatter.device)
        self.evidence = (moments.log_determinants - n * float(torch.logdet(self.prior))) / 2


@dataclass(frozen=True)
class Posteriors:
    """One side after a fit; like `Side`, but with covariances in single precision.

    Attributes:
        fixed: index of the entry that is always 1.
        means: (n, e) float64.
        covariances: (n, f, f) float32.
        packing, design, centre, weights, prior: see `Side`.
    """

    fixed: int
    means: Tensor
    covariances: Tensor
    packing: Packing
    design: Design
    centre: Tensor
    weights: Tensor
    prior: Tensor

    @classmethod
    def of(cls, side: Side, means: Tensor, covariances: Tensor) -> "Posteriors":
        """Posteriors with the prior of `side`, and with (n, e) means and (n, f, f) covariances of their own."""
        return cls(side.fixed, means, covariances, side.packing, side.design, side.centre, side.weights, side.prior)

    @property
    def free(self) -> Tensor:
        """The indices (f,) of the entries that are not always 1."""
        return self.packing.free

    def expected(self, features: Tensor) -> Tensor:
        """The prior means (n, e) of entities with `features` (n, F)."""
        return self.centre + features @ self.weights


@dataclass
class Moments:
    """Sums over entities of a side.

    Attributes:
        total: (e,) of E h.
        square: (p,) of the distinct entries of E h h'.
        explained: (F, e) of the features times E h.
        log_determinants: of log |C|.
        error: of weight times E[(h . g)^2 - 2 target h . g] over their pairs.
        entities: number of entities.
    """

    total: Tensor
    square: Tensor
    explained: Tensor
    log_determinants: float = 0.0
    error: float = 0.0
    entities: int = 0

    @classmethod
    def zero(cls, side: Side) -> "Moments":
        """The sums over no entities of `side`."""
        entries = len(side.centre)
        square = side.centre.new_zeros(entries * (entries + 1) // 2)
        return cls(torch.zeros_like(side.centre), square, torch.zeros_like(side.weights))

    @classmethod
    def sum(cls, parts: Sequence["Moments"]) -> "Moments":
        """The sums over the entities of all `parts`, added in their order."""
        first, *others = parts
        moments = replace(first)
        for other in others:
            moments.add(other)
        return moments

    def add(self, other: "Moments") -> None:
        """Add the sums over other entities."""
        for name, total in vars(self).items():
            setattr(self, name, total + getattr(other, name))


def _moments(means: Tensor, products: Tensor, features: Tensor, log_determinants: float, error: float) -> Moments:
    return Moments(means.sum(dim=0), products.sum(dim=0), features.T @ means, log_determinants, error, len(means))
