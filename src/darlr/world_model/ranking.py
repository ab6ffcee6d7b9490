"""A measure of how well scores order the rows of one user by reward."""

import numpy as np
from numpy.typing import NDArray

MAX_PAIRS = 2_000_000
"""The largest sample of pairs; the standard error is then below 0.001."""

Floats = NDArray[np.float32]
Positions = NDArray[np.int64]


def pairwise_accuracy(
    users: NDArray[np.integer], rewards: Floats, scores: Floats, generator: np.random.Generator | None = None
) -> float:
    """Return the share of pairs of rows of one user with different rewards that `scores` order rightly; a tie counts one half.

    Users are weighted by their number of pairs. The result is NaN if no user has two rows with different rewards. With a
    generator, at most `MAX_PAIRS` pairs are compared: if there are more, that many are drawn, each pair with the same
    probability.

    Args:
        users, rewards, scores: (n,) one entry for each row.
        generator: draws a sample of pairs; None: all pairs are compared.
    """
    order = np.argsort(users, kind="stable")
    rewards, scores = rewards[order], scores[order]
    _, starts, counts = np.unique(users[order], return_index=True, return_counts=True)
    if generator is not None and (counts * (counts - 1) // 2).sum() > MAX_PAIRS:
        right, total = _points(rewards, scores, *_drawn_pairs(starts, counts, generator))
        return right / total if total else float("nan")
    right = total = 0.0
    # The rows of one user are adjacent; row i is compared with row i + `lag` as long as both have the same user.
    positions_left = np.repeat(starts + counts, counts) - np.arange(len(rewards)) - 1
    first = np.arange(len(rewards))
    for lag in range(1, int(counts.max(initial=1))):
        first = first[positions_left[first] >= lag]
        of_lag = _points(rewards, scores, first, first + lag)
        right, total = right + of_lag[0], total + of_lag[1]
    return right / total if total else float("nan")


def _points(rewards: Floats, scores: Floats, first: Positions, second: Positions) -> tuple[float, float]:
    """Return the points of the pairs of rows (k,) and (k,) with different rewards, and the number of these pairs."""
    difference = np.sign(rewards[first] - rewards[second]) * np.sign(scores[first] - scores[second])
    informative = rewards[first] != rewards[second]
    return float(((difference[informative] + 1) / 2).sum()), float(informative.sum())


def _drawn_pairs(starts: Positions, counts: Positions, generator: np.random.Generator) -> tuple[Positions, Positions]:
    """Draw `MAX_PAIRS` pairs of different rows of one user, with replacement; users have `counts` rows, from `starts` on."""
    ends = np.cumsum(counts * (counts - 1) // 2)
    user = np.searchsorted(ends, generator.integers(ends[-1], size=MAX_PAIRS), side="right")
    start, count = starts[user], counts[user]
    first = generator.integers(count)
    second = (first + 1 + generator.integers(count - 1)) % count
    return start + first, start + second
