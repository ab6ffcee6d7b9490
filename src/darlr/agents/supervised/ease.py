"""EASE (Steck, WWW 2019, "Embarrassingly Shallow Autoencoders for Sparse Data"): one linear layer, in closed form.

    minimise ||X - X B||^2 + lambda ||B||^2 over B with a zero diagonal (Eqs. 3 and 4), whose solution is
    P = (X^T X + lambda I)^-1,   B_ij = -P_ij / P_jj for i != j, else 0 (Eq. 8),   s_uj = (X B)_uj (Eq. 1).

docs/methods/ease.md lists the differences from the paper.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.agents.supervised.item_weights import co_liked, item_blocks, item_weights_scorer
from darlr.agents.supervised.preferences import Preferences, nothing_liked
from darlr.agents.supervised.supervised import Learned, Played, Supervised
from darlr.agents.supervised.validation import Rows, Split, fit_best
from darlr.data.dataset import Dataset

REGULARISATIONS = (10.0, 100.0, 1000.0)
"""The values of lambda that are tried."""

MOST_ITEMS, MOST_ITEMS_UNASKED = 12_000, 4_000
"""Largest numbers of items in the log. Memory grows with their square (12,000: 3.5 GiB), time with their cube."""


def ease_weights(gram: Tensor, regularisation: float) -> Tensor:
    """B of Eq. 8, (I, I), for `gram` (I, I) X^T X."""
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram + regularisation * torch.eye(len(gram), dtype=gram.dtype)))
    weights = inverse.div_(-inverse.diagonal().clone())
    weights.fill_diagonal_(0.0)
    return weights


def _fit(dataset: Dataset, generator: np.random.Generator) -> dict[str, Tensor]:
    preferences = Preferences.of(dataset.log)
    split = Split.random(preferences, generator)
    weights = fit_best(preferences, REGULARISATIONS, _path, _rows, split)
    return {"weights": weights.T[torch.from_numpy(dataset.world.items)].float()}


def _path(preferences: Preferences, regularisation: float) -> Iterator[Tensor]:
    gram = torch.cat([co_liked(preferences, part, torch.float64) for part in item_blocks(preferences)], dim=1)
    yield ease_weights(gram, regularisation)


def _rows(weights: Tensor, preferences: Preferences) -> Rows:
    return lambda users: preferences.rows(users) @ weights.float()


def _scorer(learned: Learned, played: Played) -> Scorer:
    return item_weights_scorer(learned["weights"], played)


def _unfit(dataset: Dataset) -> str:
    if reason := nothing_liked(dataset.log):
        return reason
    if dataset.log.n_items > MOST_ITEMS:
        return f"the log has {dataset.log.n_items:,} items, and a matrix of their square is inverted; at most {MOST_ITEMS:,}"
    return ""


EASE = Supervised(_fit, _scorer, _unfit, lambda dataset: dataset.log.n_items > MOST_ITEMS_UNASKED)
