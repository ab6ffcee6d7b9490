"""How well scores order what each user liked more above what the same user liked less."""

import numpy as np
from numpy.typing import NDArray


def pairwise_accuracy(users: NDArray[np.int64], rewards: NDArray[np.float32], scores: NDArray[np.float32]) -> float:
    """Share of pairs of rows of one user with different rewards that `scores` order rightly; a tie counts one half.

    Users weigh by their number of pairs. NaN where no user has two rows with different rewards.

    Args: three arrays (n,), a row each.
    """
    order = np.argsort(users, kind="stable")
    users, rewards, scores = users[order], rewards[order], scores[order]
    _, starts, counts = np.unique(users, return_index=True, return_counts=True)
    right = total = 0.0
    # Rows of one user lie together; row i is compared with the row `lag` places on while that is the same user's.
    positions_left = np.repeat(starts + counts, counts) - np.arange(len(users)) - 1
    for lag in range(1, int(counts.max(initial=1))):
        first = np.flatnonzero(positions_left >= lag)
        difference = np.sign(rewards[first] - rewards[first + lag]) * np.sign(scores[first] - scores[first + lag])
        informative = rewards[first] != rewards[first + lag]
        right += float(((difference[informative] + 1) / 2).sum())
        total += float(informative.sum())
    return right / total if total else float("nan")
