"""Biased matrix factorisation: r = mean + user bias + item bias + product of factors, fitted by alternating ridge solves."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Values = NDArray[np.float32] | Floats
Indices = NDArray[np.integer[Any]]

ROWS_AT_ONCE = 100_000
"""The number of ratings, padding included, whose factors are gathered at a time while solving; it bounds the memory."""

INITIAL_SPREAD = 0.1
"""The standard deviation of the factors before the first sweep."""


@dataclass(frozen=True)
class Ratings:
    """n observed ratings of U users and I items, each pair once.

    Attributes:
        users, items: (n,) integers in 0..U-1 and 0..I-1.
        values: (n,) float64.
        shape: U and I.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    values: Floats
    shape: tuple[int, int]

    @classmethod
    def of(cls, users: Indices, items: Indices, values: Values, shape: tuple[int, int]) -> Self:
        """Merge ratings: each pair occurs once, ordered by user and item, with its mean. All arguments are (n,)."""
        cells, cell = np.unique(users.astype(np.int64) * shape[1] + items, return_inverse=True)
        return cls(cells // shape[1], cells % shape[1], np.bincount(cell, values) / np.bincount(cell), shape)

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> "Ratings":
        """Return the chosen ratings; `chosen` is (m,) indices or an (n,) mask."""
        return Ratings(self.users[chosen], self.items[chosen], self.values[chosen], self.shape)


@dataclass(frozen=True)
class Penalties:
    """Terms added to the sum of squared errors: `factors` (|p|^2 + |q|^2) + `biases` (b^2 + c^2), for all users and items."""

    factors: float
    biases: float


@dataclass(frozen=True)
class Candidate:
    """Settings of a fit: the number of factors, and the penalties."""

    factors: int
    penalties: Penalties


@dataclass(frozen=True)
class Factorisation:
    """A fitted model of U users and I items with k factors.

    Attributes:
        mean: mean of the ratings that it was fitted to.
        users: (U, 1 + k) float64, each user's bias and factors. They are zeros for a user without ratings, whose
            predictions are the mean plus the item's bias.
        items: (I, 1 + k) float64, the same for items.
    """

    mean: float
    users: Floats
    items: Floats

    def at(self, users: NDArray[np.int64], items: NDArray[np.int64]) -> Floats:
        """Return (n,) predictions for the pairs `users` (n,), `items` (n,)."""
        of_users, of_items = self.users[users], self.items[items]
        products = np.einsum("nk,nk->n", of_users[:, 1:], of_items[:, 1:])
        predictions: Floats = self.mean + of_users[:, 0] + of_items[:, 0] + products
        return predictions

    def block(self, users: slice) -> Floats:
        """Return (users, I) predictions for consecutive users and every item."""
        of_users = self.users[users]
        predictions: Floats = of_users[:, 1:] @ self.items[:, 1:].T
        predictions += of_users[:, :1] + self.mean
        predictions += self.items[:, 0]
        return predictions

    def objective(self, ratings: Ratings, penalties: Penalties) -> float:
        """Return the objective of the fit: the sum of squared errors on `ratings` plus the penalties."""
        weights = np.full(self.users.shape[1], penalties.factors)
        weights[0] = penalties.biases
        penalty = sum(float(np.square(side).sum(axis=0) @ weights) for side in (self.users, self.items))
        return float(np.square(ratings.values - self.at(ratings.users, ratings.items)).sum()) + penalty


def sweeps(ratings: Ratings, factors: int, penalties: Penalties, generator: np.random.Generator) -> Iterator[Factorisation]:
    """Yield the model after each sweep, without end.

    A sweep solves for all users given the items, then the other way round. Each solve is the exact minimum over one side,
    so the objective never rises.

    Args:
        ratings: the ratings to fit.
        factors: k, 0 for biases alone.
        penalties: weights of the penalties.
        generator: draws the factors that the first sweep begins with.
    """
    n_users, n_items = ratings.shape
    of_users, of_items = np.zeros((n_users, 1 + factors)), np.zeros((n_items, 1 + factors))
    of_items[:, 1:] = generator.normal(0.0, INITIAL_SPREAD, (n_items, factors))
    mean = float(ratings.values.mean())
    residuals = ratings.values - mean
    user_side = _Side(ratings.users, ratings.items, residuals, n_users, n_items)
    item_side = _Side(ratings.items, ratings.users, residuals, n_items, n_users)
    while True:
        of_users = user_side.solve(of_items, penalties)
        of_items = item_side.solve(of_users, penalties)
        yield Factorisation(mean, of_users, of_items)


def held_out_folds(n: int, folds: int, tested: int, generator: np.random.Generator) -> list[NDArray[np.bool_]]:
    """Return masks (n,) of the first `tested` of `folds` equal parts, each of which is held out in turn."""
    fold = generator.permutation(n) % folds
    return [fold == number for number in range(tested)]


def held_out_rmse(
    candidate: Candidate,
    ratings: Ratings,
    tests: Sequence[NDArray[np.bool_]],
    fit: Callable[[Ratings, Candidate], Factorisation],
    errors: Callable[[Factorisation, Ratings], Floats],
) -> float:
    """Return the root mean square (scalar) of `errors` on the rows that `tests`, (n,) masks, hold out, each predicted by a
    `fit` to the other rows.
    """
    found = [errors(fit(ratings.rows(~test), candidate), ratings.rows(test)) for test in tests]
    return float(np.sqrt(np.square(np.concatenate(found)).mean()))


def side_problems(owners: NDArray[np.int64]) -> int:
    """Return the least number of problems of one side that are solved at once; the ratings belong to `owners` (n,)."""
    counts = np.bincount(owners)
    return min(int(np.count_nonzero(counts)), max(1, ROWS_AT_ONCE // int(counts.max())))


class _Side:
    """The ridge problems of one side (users, for example), prepared for solving many at once.

    Problems with similar numbers of ratings are stacked, and padded to the largest with a spare other side whose row is zero.
    """

    def __init__(
        self, owners: NDArray[np.int64], others: NDArray[np.int64], residuals: Floats, n_owners: int, n_others: int
    ) -> None:
        self._n_owners = n_owners
        counts = np.bincount(owners, minlength=n_owners)
        order = np.argsort(owners, kind="stable")
        starts = np.concatenate([[0], np.cumsum(counts)])
        by_count = np.argsort(counts, kind="stable")
        self._batches = []
        begin = int(np.searchsorted(counts[by_count], 1))  # owners without any rating keep zeros
        while begin < n_owners:
            size = 1
            while begin + size < n_owners and (size + 1) * counts[by_count[begin + size]] <= ROWS_AT_ONCE:
                size += 1
            batch = by_count[begin : begin + size]
            width = int(counts[batch[-1]])
            place = starts[batch, None] + np.arange(width)
            absent = np.arange(width) >= counts[batch, None]
            rows = order[np.minimum(place, len(order) - 1)]
            other = np.where(absent, n_others, others[rows]).astype(np.int32)
            self._batches.append((batch, other, np.where(absent, 0.0, residuals[rows])))
            begin += size

    def solve(self, given: Floats, penalties: Penalties) -> Floats:
        """Return (owners, 1 + k): the best biases and factors for the other side's `given` (others, 1 + k)."""
        width = given.shape[1]
        known = np.vstack([given, np.zeros(width)])
        biases = known[:, 0].copy()
        known[:-1, 0] = 1.0  # an owner's own bias is in every rating
        ridge = np.diag([penalties.biases] + [penalties.factors] * (width - 1))
        solved = np.zeros((self._n_owners, width))
        for owners, others, residuals in self._batches:
            inputs = known[others]  # (owners, ratings, 1 + k)
            transposed = inputs.transpose(0, 2, 1)
            targets = (residuals - biases[others])[..., None]
            solved[owners] = np.linalg.solve(transposed @ inputs + ridge, transposed @ targets)[..., 0]
        return solved
