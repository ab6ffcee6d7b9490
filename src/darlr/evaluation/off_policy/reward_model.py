"""A quick model of the reward if no other was fitted: a ridge regression for each item, cross-fitted.

q(x, a) = x' beta_a, with beta_a shrunk towards coefficients that all items share. Every row is predicted by a model that
has not seen its user, as doubly robust estimates require (Chernozhukov et al., 2018).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darlr.evaluation.off_policy.terms import Floats

FOLDS = 2
STRENGTH = 10.0
"""The weight of the common coefficients, in rows of an item."""


@dataclass(frozen=True)
class RidgeRewards:
    """Coefficients of one fold: (I, d) float64."""

    coefficients: Floats

    def rows(self, contexts: NDArray[np.floating]) -> Floats:
        """Return (m, I) the estimated reward of every item in `contexts` (m, d)."""
        estimates: Floats = contexts @ self.coefficients.T
        return estimates

    @classmethod
    def fit(cls, contexts: NDArray[np.floating], items: NDArray[np.integer], rewards: Floats, n_items: int) -> "RidgeRewards":
        """Fit the coefficients.

        Args:
            contexts: (n, d), with a constant among the columns.
            items: (n,).
            rewards: (n,).
            n_items: I.
        """
        size = contexts.shape[1]
        order = np.argsort(items, kind="stable")
        starts = np.searchsorted(items[order], np.arange(n_items + 1))
        squares, products = np.zeros((n_items, size, size)), np.zeros((n_items, size))
        for item in np.flatnonzero(np.diff(starts)):  # one matrix product for each item: there are many rows and few items
            chosen = order[starts[item] : starts[item + 1]]
            known = np.asarray(contexts[chosen], np.float64)
            squares[item], products[item] = known.T @ known, known.T @ rewards[chosen]
        ridge = STRENGTH * np.eye(size)
        common = np.linalg.solve(squares.sum(axis=0) + ridge, products.sum(axis=0))
        own = np.linalg.solve(squares + ridge, (products + ridge @ common)[..., None])
        return cls(np.asarray(own[..., 0], np.float64))


def folds_of(users: NDArray[np.integer], generator: np.random.Generator) -> NDArray[np.int64]:
    """Return (n,) the fold of every row; all rows of a user (n,) are in one fold."""
    _, places = np.unique(users, return_inverse=True)
    folds: NDArray[np.int64] = (generator.permutation(int(places.max()) + 1) % FOLDS)[places]
    return folds


def cross_fitted(
    contexts: NDArray[np.floating],
    items: NDArray[np.integer],
    rewards: Floats,
    folds: NDArray[np.int64],
    n_items: int,
) -> tuple[RidgeRewards, ...]:
    """Return, for every fold, the model fitted to the other folds' rows; contexts (n, d), items, rewards and folds (n,)."""
    return tuple(
        RidgeRewards.fit(contexts[folds != fold], items[folds != fold], rewards[folds != fold], n_items)
        for fold in range(FOLDS)
    )
