"""The same updates written out user by user and pair by pair, with numpy alone."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def posteriors(
    pairs: list[tuple[int, int, float, float]],
    n: int,
    fixed: int,
    means: Array,
    covariances: Array,
    expected: Array,
    prior: Array,
    noise: float,
) -> tuple[Array, Array]:
    """Return means (n, e) and covariances (n, f, f) of one side's entities.

    Args:
        pairs: (own, other, target, weight).
        means, covariances: (m, e) and (m, e, e) of the other side.
        expected: (n, e) prior means.
    """
    entries = means.shape[1]
    free = [entry for entry in range(entries) if entry != fixed]
    found_means, found_covariances = np.ones((n, entries)), np.zeros((n, entries - 1, entries - 1))
    for entity in range(n):
        precision = np.linalg.inv(prior)
        wanted = precision @ expected[entity, free]
        for own, other, target, weight in pairs:
            if own == entity:
                second = np.outer(means[other], means[other]) + covariances[other]
                precision = precision + weight * second[np.ix_(free, free)] / noise
                wanted = wanted + weight * (target * means[other, free] - second[free, fixed]) / noise
        found_covariances[entity] = np.linalg.inv(precision)
        found_means[entity, free] = found_covariances[entity] @ wanted
    return found_means, found_covariances


def squared_error(pairs: list[tuple[int, int, float, float]], first: tuple[Array, Array], second: tuple[Array, Array]) -> float:
    """Return the sum over pairs of weight times E (target - h . g)^2; both sides as means (n, e) and covariances (n, e, e)."""
    total = 0.0
    for own, other, target, weight in pairs:
        own_square = np.outer(first[0][own], first[0][own]) + first[1][own]
        other_square = np.outer(second[0][other], second[0][other]) + second[1][other]
        total += weight * (target**2 - 2 * target * first[0][own] @ second[0][other] + (own_square * other_square).sum())
    return total


def whole(covariances: Array, fixed: int) -> Array:
    """(n, f, f) -> (n, e, e), zero where the entry is fixed."""
    n, size, _ = covariances.shape
    free = [entry for entry in range(size + 1) if entry != fixed]
    found = np.zeros((n, size + 1, size + 1))
    found[np.ix_(range(n), free, free)] = covariances
    return found
