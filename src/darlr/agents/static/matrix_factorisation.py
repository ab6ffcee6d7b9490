"""The list of a matrix factorisation fitted to the log, the classic recommender.

It is fitted to the log's ratings. If the log holds positives alone, the target is 1 for its pairs and 0 for random other
pairs, drawn like the world model's negatives. Rows held out of the log choose the penalties.
"""

from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.agents.acting import Scorer, mask_logits
from darlr.data.completion.factorisation import (
    Candidate,
    Factorisation,
    Penalties,
    Ratings,
    held_out_folds,
    held_out_rmse,
    sweeps,
)
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.tallies import distinct
from darlr.world.window import Window

CANDIDATES = tuple(Candidate(8, Penalties(factors=penalty, biases=4.0)) for penalty in (4.0, 8.0, 16.0, 32.0))
"""Candidates for targets of mean 0 and standard deviation 1."""

SWEEPS, FOLDS, NEGATIVES = 10, 10, 5
MOST_PAIRS = 1_000_000
"""The largest number of pairs to fit, which bounds the time; a larger log is sampled at random."""


class FactorisedScorer(Scorer):
    """Scores a user's items by biases and factors, without a table (n_users, n_items)."""

    def __init__(self, users: Tensor, items: Tensor) -> None:
        """
        Args:
            users: (n_users, k) factors.
            items: (n_items, 1 + k) biases and factors.
        """
        self._users, self._items = users, items

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return mask_logits(torch.addmm(self._items[:, 0], self._users[users], self._items[:, 1:].T), blocked)


def factorised(dataset: Dataset, generator: np.random.Generator, device: torch.device) -> FactorisedScorer | None:
    """Fit the list for the world of `dataset`; None if the log has too few pairs to hold some out.

    Args:
        dataset: the data to learn from.
        generator: draws negatives, held-out rows, and the factors that fits begin with.
        device: the device of the scorer.
    """
    ratings = log_ratings(dataset.log, generator)
    if len(ratings) < FOLDS:
        return None
    model = fit_best(ratings, generator)
    users, items = model.users[dataset.world.users, 1:], model.items[dataset.world.items]
    return FactorisedScorer(*(torch.from_numpy(side.astype(np.float32)).to(device) for side in (users, items)))


def log_ratings(log: InteractionLog, generator: np.random.Generator) -> Ratings:
    """Return each pair of `log` once, with its standardised mean reward, or with ones and zeros for a log of positives."""
    shape = (log.n_users, log.n_items)
    logged = Ratings.of(log.users, log.items, log.rewards, shape)
    cells, values = logged.users * log.n_items + logged.items, logged.values
    if log.positive_only or log.rewards.min() == log.rewards.max():
        unlogged = _unlogged(cells, log, generator)
        values = np.concatenate([np.ones(len(cells)), np.zeros(len(unlogged))])
        cells = np.concatenate([cells, unlogged])
    if len(cells) > MOST_PAIRS:
        chosen = generator.choice(len(cells), MOST_PAIRS, replace=False)
        cells, values = cells[chosen], values[chosen]
    standardised = (values - values.mean()) / (values.std() or 1.0)
    return Ratings(cells // log.n_items, cells % log.n_items, standardised, shape)


def _unlogged(cells: NDArray[np.int64], log: InteractionLog, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return about `NEGATIVES` other cells of the same user for each of the sorted `cells`."""
    users = np.repeat(cells // log.n_items, NEGATIVES)
    drawn = distinct(users, generator.integers(0, log.n_items, len(users)), log.n_items)
    return np.setdiff1d(drawn, cells, assume_unique=True)


def fit_best(ratings: Ratings, generator: np.random.Generator) -> Factorisation:
    """Fit all `ratings` with the candidate that predicts a held-out part of them best."""

    def fit(part: Ratings, candidate: Candidate) -> Factorisation:
        models = sweeps(part, candidate.factors, candidate.penalties, generator)
        return next(islice(models, SWEEPS - 1, None))

    def errors(model: Factorisation, part: Ratings) -> NDArray[np.float64]:
        return model.at(part.users, part.items) - part.values

    tests = held_out_folds(len(ratings), FOLDS, 1, generator)
    chosen = min(CANDIDATES, key=lambda candidate: held_out_rmse(candidate, ratings, tests, fit, errors))
    return fit(ratings, chosen)
