"""The weight of active users' rows, for logs that hold positives alone.

In such logs active users decide which items look popular. The exponent is chosen that makes held-out rows of the world's
users most likely under the items' weighted shares.
"""

from dataclasses import dataclass

import numpy as np

from darlr.data.log import InteractionLog
from darlr.world_model.factors.held_out import Fold
from darlr.world_model.factors.problem import activity_weights

EXPONENTS = (0.0, 1.0, 2.0)


@dataclass(frozen=True)
class WeightingTrial:
    """The mean log-likelihood of a held-out row if the rows of a user weigh (rows + 6)^-exponent."""

    exponent: float
    likelihood: float


def try_exponents(found: list[Fold]) -> tuple[WeightingTrial, ...]:
    """Judge all exponents on all folds of a log."""
    return tuple(
        WeightingTrial(exponent, float(np.mean([_likelihood(fold, exponent) for fold in found]))) for exponent in EXPONENTS
    )


def _likelihood(fold: Fold, exponent: float) -> float:
    positives = len(fold.items) // 2  # the second half is negatives
    return float(np.log(weighted_shares(fold.training, exponent)[fold.items[:positives]]).mean())


def weighted_shares(log: InteractionLog, exponent: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Each item's share of the weights of all rows, (I,). Every item starts with half a row of the mean weight."""
    _, rows, counts = np.unique(log.users, return_inverse=True, return_counts=True)
    weights = activity_weights(counts, exponent)[rows]
    totals = np.bincount(log.items, weights, log.n_items) + weights.mean() / 2
    return np.asarray(totals / totals.sum(), np.float64)
