"""The knowledge of linear bandits before an episode: ridge regression of a user's rewards on the items' features.

    r_ui = o_i + x_i . theta_u + noise of variance s^2,  theta_u ~ N(0, s^2 / lambda I), so that after the user's rows
    A_u = lambda I + sum x_i x_i^T,  b_u = sum x_i (r_ui - o_i),  theta_u ~ N(A_u^-1 b_u, s^2 A_u^-1).

x_i are a constant and the leading principal components of the item's categories and features. o_i is the item's mean
reward, shrunk towards the mean of all rewards. The values of lambda and s^2 are those that predict held-out rows best.

A log that holds positives alone has no rewards to learn from. o_i then spreads the items over the range of rewards by their
numbers of users. theta_u starts from nothing, with lambda = 1, the papers' A = I, and s is a quarter of the range.

During an episode every answer updates A_u and b_u.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.agents.believing.factors import FactorBelief
from darlr.agents.static.lists import shrunk_means
from darlr.agents.supervised.supervised import Played
from darlr.data.catalog import ItemCatalog
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.world_model.factors.problem import is_implicit
from darlr.world_model.factors.responses import FactorResponses, ResponseScale

COMPONENTS = 15
"""Largest number of components beside the constant."""

REGULARISATIONS = (0.1, 1.0, 10.0, 100.0, 1000.0)
"""The values of lambda that are tried, for contexts of mean square length 1."""

HELD_OUT = 0.1
"""Share of the rows that lambda is chosen on."""

SPREAD_UNKNOWN = 0.25
"""s as a share of the range of rewards, for logs without rewards to learn from."""

ROWS_AT_ONCE = 100_000
MOST_USERS = 500_000
"""Largest number of users; a matrix is kept for each."""

MOST_CELLS = 100_000_000
"""Items times their categories, numbers and values of codes, which are in memory together."""


@dataclass(frozen=True)
class Ridge:
    """The regression's result for all users of the log, before their episodes.

    Attributes:
        offsets: (I,) float64 o_i.
        contexts: (I, d) float64 x_i.
        precisions: (U, d, d) float64 A_u.
        totals: (U, d) float64 b_u.
        variance: s^2.
    """

    offsets: Tensor
    contexts: Tensor
    precisions: Tensor
    totals: Tensor
    variance: float

    def of(self, users: Tensor, items: Tensor) -> dict[str, Tensor]:
        """Means and covariances of theta of `users` (n,), and the rows of `items` (m,), in single precision."""
        covariances = torch.linalg.inv(self.precisions[users])
        found = {
            "offsets": self.offsets[items],
            "contexts": self.contexts[items],
            "means": (covariances @ self.totals[users, :, None]).squeeze(2),
            "covariances": self.variance * covariances,
            "variance": torch.tensor(self.variance),
        }
        return {name: tensor.float() for name, tensor in found.items()}


def contexts_of(catalog: ItemCatalog) -> NDArray[np.float64]:
    """The contexts of items, (I, 1 + c): a constant 1, and the c <= 15 leading principal components of categories and features.

    The components have a mean square length of 1. Codes count as one column for each value; every column is centred.
    """
    features = catalog.features
    codes = [column[:, None] == np.arange(size) for size, column in zip(features.code_sizes, features.codes.T, strict=True)]
    columns = np.concatenate([catalog.membership().astype(np.float64), features.numeric, *codes], axis=1)
    columns = columns - columns.mean(axis=0)
    values, directions = np.linalg.eigh(columns.T @ columns)
    leading = np.flatnonzero(values > 1e-9 * max(len(columns), 1))[::-1][:COMPONENTS]
    signs = np.sign(directions.sum(axis=0)[leading])
    components = columns @ (directions[:, leading] * np.where(signs == 0, 1.0, signs))
    length = np.sqrt((components**2).sum(axis=1).mean()) if len(leading) else 1.0
    return np.concatenate([np.ones((len(columns), 1)), components / length], axis=1)


def fit_ridge(dataset: Dataset, generator: np.random.Generator) -> Ridge:
    """The regression of the log, with the best of `REGULARISATIONS`."""
    log, contexts = dataset.log, contexts_of(dataset.items)
    if is_implicit(log):
        return _untold(log, contexts)
    rows = generator.permutation(len(log))
    held, learned = log.rows(rows[: max(1, round(HELD_OUT * len(log)))]), log.rows(rows[round(HELD_OUT * len(log)) :])
    if len(log) < 2:
        return _told(log, contexts, 1.0, 1.0)
    errors = [_squared_error(_told(learned, contexts, each, 1.0), held) for each in REGULARISATIONS]
    best = int(np.argmin(errors))
    floor = 1e-6 * (log.reward_range[1] - log.reward_range[0]) ** 2
    return _told(log, contexts, REGULARISATIONS[best], max(errors[best], floor))


def _untold(log: InteractionLog, contexts: NDArray[np.float64]) -> Ridge:
    low, high = log.reward_range
    shares = log.audience_shares()
    offsets = low + (high - low) * shares / shares.max()
    size = contexts.shape[1]
    precisions = torch.eye(size, dtype=torch.float64).repeat(log.n_users, 1, 1)
    totals = torch.zeros(log.n_users, size, dtype=torch.float64)
    variance = (SPREAD_UNKNOWN * (high - low)) ** 2
    return Ridge(torch.from_numpy(offsets), torch.from_numpy(contexts), precisions, totals, variance)


def _told(log: InteractionLog, contexts: NDArray[np.float64], regularisation: float, variance: float) -> Ridge:
    offsets, own = torch.from_numpy(shrunk_means(log).astype(np.float64)), torch.from_numpy(contexts)
    size = own.shape[1]
    precisions = (regularisation * torch.eye(size, dtype=torch.float64)).repeat(log.n_users, 1, 1)
    totals = torch.zeros(log.n_users, size, dtype=torch.float64)
    for start in range(0, len(log), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        users, items = (torch.from_numpy(column[rows].astype(np.int64)) for column in (log.users, log.items))
        x = own[items]
        rest = torch.from_numpy(log.rewards[rows].astype(np.float64)) - offsets[items]
        precisions.index_add_(0, users, x[:, :, None] * x[:, None, :])
        totals.index_add_(0, users, x * rest[:, None])
    return Ridge(offsets, own, precisions, totals, variance)


def _squared_error(ridge: Ridge, held: InteractionLog) -> float:
    """The mean squared error over the rows `held`."""
    means = torch.linalg.solve(ridge.precisions, ridge.totals[:, :, None]).squeeze(2)
    users, items = torch.from_numpy(held.users).long(), torch.from_numpy(held.items).long()
    expected = ridge.offsets[items] + (ridge.contexts[items] * means[users]).sum(dim=1)
    return float((torch.from_numpy(held.rewards) - expected).square().mean())


def fit_bandit(dataset: Dataset, generator: np.random.Generator) -> dict[str, Tensor]:
    """The state of a linear bandit before an episode, for the world's users and items."""
    users, items = (torch.from_numpy(side) for side in (dataset.world.users, dataset.world.items))
    return fit_ridge(dataset, generator).of(users, items)


def bandit_belief(learned: Mapping[str, Tensor], played: Played) -> FactorBelief:
    """The posterior of theta during an episode: Bayes' rule for one level of noise, which is A + x x^T, b + x r."""
    low, high = played.seen_range
    on = {name: tensor.to(played.device) for name, tensor in learned.items()}
    variance = float(learned["variance"])
    scale = ResponseScale("identity", low, high, low, 0.0, 1.0)
    noise = torch.full_like(on["offsets"], variance)
    responses = FactorResponses(on["offsets"], on["contexts"], noise, variance, on["means"], on["covariances"], scale)
    return FactorBelief(responses, (1.0,))


def bandit_unfit(dataset: Dataset) -> str:
    """The reason if the data set has too many users, else an empty string."""
    n, features = dataset.log.n_users, dataset.items.features
    cells = len(dataset.items) * (dataset.items.n_categories + features.numeric.shape[1] + sum(features.code_sizes))
    if n > MOST_USERS:
        return f"the log has {n:,} users, and a matrix is held for each; at most {MOST_USERS:,}"
    if cells > MOST_CELLS:
        return f"items, categories and values of features make a table of {cells:,} cells; at most {MOST_CELLS:,}"
    return ""
