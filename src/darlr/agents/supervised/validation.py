"""Chooses hyperparameters by liked pairs that are held out of the log, never by the truth.

Every candidate is fitted to the other pairs. It ranks, for each user, the items that the user has no other pair of. The
largest NDCG at 10 decides; among equals the first candidate wins. The best candidate is fitted again to all pairs. A fit in
epochs is judged after each epoch, and stops when `PATIENCE` of them in a row were no better. The number of epochs is then
one more hyperparameter.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from darlr.agents.supervised.preferences import Preferences

Candidate = TypeVar("Candidate")
Model = TypeVar("Model")
Rows = Callable[[Tensor], Tensor]
"""Maps users (B,), indices into the log's vocabulary, to scores (B, n_items)."""

SHARE, CUTOFF, PATIENCE = 0.1, 10, 6
MOST_USERS = 2_000
"""Largest number of users that judge, to bound the time; they are drawn at random if more have held-out pairs."""
USERS_AT_ONCE = 256


@dataclass(frozen=True)
class Split:
    """Liked pairs to learn from, and held-out pairs that judge.

    Attributes:
        learned: the other pairs.
        judging: the held-out pairs of the `users`.
        users: (q,) the users that judge, rising.
    """

    learned: Preferences
    judging: Preferences
    users: Tensor

    @classmethod
    def random(cls, preferences: Preferences, generator: np.random.Generator) -> Self | None:
        """Hold out a tenth of the pairs of users with several pairs; None if there are no such users."""
        several = torch.nonzero(preferences.counts[preferences.users] > 1).squeeze(1)
        drawn = torch.from_numpy(generator.permutation(len(several))[: max(1, round(SHARE * len(several)))])
        return cls._held(preferences, several[drawn], generator) if len(several) else None

    @classmethod
    def last(cls, preferences: Preferences, generator: np.random.Generator) -> Self | None:
        """Hold out the latest pair of every judging user with several pairs, a random one among ties; None if there are no
        such users.
        """
        ties = generator.permutation(len(preferences))
        order = torch.from_numpy(np.lexsort((ties, preferences.moments.numpy(), preferences.users.numpy())))
        counts = preferences.counts
        latest = order[(counts.cumsum(0) - 1)[counts > 1]]
        if len(latest) > MOST_USERS:
            latest = latest[torch.from_numpy(generator.permutation(len(latest))[:MOST_USERS])]
        return cls._held(preferences, latest, generator) if len(latest) else None

    @classmethod
    def _held(cls, preferences: Preferences, places: Tensor, generator: np.random.Generator) -> Self:
        held = torch.zeros(len(preferences), dtype=torch.bool)
        held[places] = True
        judging = preferences.chosen(held)
        users = torch.unique_consecutive(judging.users)
        if len(users) > MOST_USERS:
            users = users[torch.from_numpy(generator.permutation(len(users))[:MOST_USERS])].sort().values
        return cls(preferences.chosen(~held), judging, users)

    def ndcg(self, rows: Rows) -> float:
        """The mean NDCG at 10 over the users. The item at rank k gains 1 / log2(k + 1), relative to the best order."""
        gains = 1 / torch.arange(2, CUTOFF + 2, dtype=torch.float64).log2()
        total = 0.0
        for users in torch.split(self.users, USERS_AT_ONCE):
            liked = self.judging.rows(users) > 0
            scores = rows(users).masked_fill(self.learned.rows(users) > 0, float("-inf"))
            best = scores.topk(min(CUTOFF, scores.shape[1]), dim=1).indices
            found = (liked.gather(1, best) * gains[: best.shape[1]]).sum(dim=1)
            ideal = gains.cumsum(0)[liked.sum(dim=1).clamp(max=best.shape[1]) - 1]
            total += float((found / ideal).sum())
        return total / len(self.users)


def fit_best(
    preferences: Preferences,
    candidates: Sequence[Candidate],
    path: Callable[[Preferences, Candidate], Iterator[Model]],
    rows: Callable[[Model, Preferences], Rows],
    split: Split | None,
) -> Model:
    """The model of all `preferences`, with the candidate and the number of epochs that rank the held-out pairs best.

    Args:
        preferences: the liked pairs.
        candidates: the hyperparameters to choose among.
        path: the models after each epoch of a fit; a single model if a fit has no epochs.
        rows: the scores of a model, given the pairs that it was fitted to.
        split: of the `preferences`; if it is None, the first candidate and the first epoch are taken.
    """
    found = [] if split is None else [_best_of_path(path(split.learned, each), rows, split) for each in candidates]
    chosen = int(np.argmax([value for value, _ in found])) if found else 0
    epochs = found[chosen][1] if found else 1
    return next(islice(path(preferences, candidates[chosen]), epochs - 1, None))


def _best_of_path(models: Iterator[Model], rows: Callable[[Model, Preferences], Rows], split: Split) -> tuple[float, int]:
    """The largest NDCG along the path, and the number of epochs that reach it."""
    best, epochs = -1.0, 0
    for number, model in enumerate(models, start=1):
        value = split.ndcg(rows(model, split.learned))
        if value > best:
            best, epochs = value, number
        elif number - epochs >= PATIENCE:
            break
    return best, epochs
