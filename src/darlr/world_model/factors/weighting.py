"""How much the rows of active users weigh where a log holds positives alone.

There, active users decide which items look popular. The exponent under which the items' weighted shares make held-out rows of
the served users most likely is taken.
"""

from dataclasses import dataclass

import numpy as np

from darlr.data.log import InteractionLog
from darlr.world_model.factors.held_out import Fold
from darlr.world_model.factors.problem import activity_weights

EXPONENTS = (0.0, 1.0, 2.0)


@dataclass(frozen=True)
class WeightingTrial:
    """The mean log-likelihood of a held-out row, if rows of users weigh (rows + 6)^-exponent."""

    exponent: float
    likelihood: float


def try_exponents(found: list[Fold]) -> tuple[WeightingTrial, ...]:
    """All exponents, judged on all folds of a log."""
    return tuple(
        WeightingTrial(exponent, float(np.mean([_likelihood(fold, exponent) for fold in found]))) for exponent in EXPONENTS
    )


def _likelihood(fold: Fold, exponent: float) -> float:
    positives = len(fold.items) // 2  # the second half are negatives
    return float(np.log(weighted_shares(fold.training, exponent)[fold.items[:positives]]).mean())


def weighted_shares(log: InteractionLog, exponent: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(I,) each item's share of the weights of all rows, each item granted half a row of the mean weight."""
    _, rows, counts = np.unique(log.users, return_inverse=True, return_counts=True)
    weights = activity_weights(counts, exponent)[rows]
    totals = np.bincount(log.items, weights, log.n_items) + weights.mean() / 2
    return np.asarray(totals / totals.sum(), np.float64)
