"""Implicit ALS (Hu, Koren and Volinsky, ICDM 2008, "Collaborative Filtering for Implicit Feedback Datasets").

    minimise sum over all u, i of c_ui (p_ui - x_u . y_i)^2 + lambda (sum ||x_u||^2 + sum ||y_i||^2)      (Eq. 3)
    with p_ui = 1 where u liked i, else 0, and c_ui = 1 + alpha w_ui, by turns of
    x_u = (Y^T Y + Y^T (C^u - I) Y + lambda I)^-1 Y^T C^u p(u)                                            (Eq. 4)
    and the same for y_i (Eq. 5). s_ui = x_u . y_i.

docs/methods/implicit-als.md lists the differences from the paper.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.agents.static.matrix_factorisation import FactorisedScorer
from darlr.agents.supervised.preferences import Preferences, nothing_liked
from darlr.agents.supervised.supervised import Learned, Played, Supervised
from darlr.agents.supervised.validation import Rows, Split, fit_best
from darlr.data.dataset import Dataset

FACTORS, SWEEPS = 32, 10
INITIAL = 0.01
"""Standard deviation of the initial factors."""

CELLS_AT_ONCE = 4_000_000
"""Number of gathered factor values in memory at once."""

MOST_ROWS, MOST_ROWS_UNASKED = 50_000_000, 2_000_000
"""Of the log: a million take half a minute of a processor."""


@dataclass(frozen=True)
class Confidence:
    """The hyperparameters alpha and lambda."""

    alpha: float
    regularisation: float


CANDIDATES = tuple(Confidence(alpha, regularisation) for alpha in (1.0, 10.0) for regularisation in (1.0, 10.0, 100.0))


@dataclass(frozen=True)
class Factors:
    """The factors of users (U, k) and of items (I, k)."""

    users: Tensor
    items: Tensor


def half_sweep(preferences: Preferences, items: Tensor, confidence: Confidence) -> Tensor:
    """The best factors of all users given the items' factors, by Eq. 4, (U, k); 0 for users without liked pairs.

    Users with similar numbers of pairs are solved together. Missing pairs are filled with an item whose factors are 0.

    Args:
        preferences: the liked pairs.
        items: (I, k).
        confidence: alpha and lambda.
    """
    size = items.shape[1]
    plain = items.T @ items + confidence.regularisation * torch.eye(size, dtype=items.dtype)
    padded = torch.cat([items, items.new_zeros(1, size)])
    counts = preferences.counts
    starts = counts.cumsum(0) - counts
    solved = items.new_zeros(len(counts), size)
    for users in _blocks(counts, size):
        within = torch.arange(int(counts[users].max()))
        present = within < counts[users, None]
        place = torch.where(present, starts[users, None] + within, 0)
        factors = padded[torch.where(present, preferences.items[place], len(items))]  # (B, n, k)
        extra = confidence.alpha * preferences.weights[place].to(items.dtype)[:, :, None]
        system = plain + factors.transpose(1, 2) @ (extra * factors)
        target = ((1 + extra) * factors).sum(dim=1)
        solved[users] = torch.cholesky_solve(target[:, :, None], torch.linalg.cholesky(system)).squeeze(2)
    return solved


def _blocks(counts: Tensor, size: int) -> Iterator[Tensor]:
    """Entities with pairs, in blocks of similar counts. The number of a block's entities times its largest count is bounded."""
    order = counts.argsort(stable=True)
    order = order[counts[order] > 0]
    while len(order):
        # Counts rise, so a block of b users needs b times its last user's count.
        filled = torch.arange(1, len(order) + 1) * counts[order] * size
        taken = max(1, int((filled <= CELLS_AT_ONCE).sum()))
        yield order[:taken]
        order = order[taken:]


def sweeps(preferences: Preferences, confidence: Confidence, initial: Tensor) -> Iterator[Factors]:
    """The factors after each of `SWEEPS` sweeps, starting from the items' factors `initial` (I, k)."""
    turned, items = preferences.turned(), initial
    for _ in range(SWEEPS):
        users = half_sweep(preferences, items, confidence)
        items = half_sweep(turned, users, confidence)
        yield Factors(users, items)


def _fit(dataset: Dataset, generator: np.random.Generator) -> dict[str, Tensor]:
    preferences = Preferences.of(dataset.log)
    split = Split.random(preferences, generator)
    initial = torch.from_numpy(generator.normal(0, INITIAL, (dataset.log.n_items, FACTORS)).astype(np.float32))

    def path(pairs: Preferences, confidence: Confidence) -> Iterator[Factors]:
        *_, last = sweeps(pairs, confidence, initial)
        yield last

    found = fit_best(preferences, CANDIDATES, path, _rows, split)
    users, items = (torch.from_numpy(side) for side in (dataset.world.users, dataset.world.items))
    return {"users": found.users[users], "items": found.items[items]}


def _rows(factors: Factors, preferences: Preferences) -> Rows:
    return lambda users: factors.users[users] @ factors.items.T


def _scorer(learned: Learned, played: Played) -> Scorer:
    items = torch.nn.functional.pad(learned["items"], (1, 0))  # no biases
    return FactorisedScorer(learned["users"].to(played.device), items.to(played.device))


def _unfit(dataset: Dataset) -> str:
    if reason := nothing_liked(dataset.log):
        return reason
    rows = len(dataset.log)
    return f"the log has {rows:,} rows, and sweeps over them take too long; at most {MOST_ROWS:,}" if rows > MOST_ROWS else ""


IMPLICIT_ALS = Supervised(_fit, _scorer, _unfit, lambda dataset: len(dataset.log) > MOST_ROWS_UNASKED)
