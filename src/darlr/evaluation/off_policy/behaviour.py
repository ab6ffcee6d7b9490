"""The policy that made a log, estimated from the log if it has no propensities.

Two models are mixed: how often each item is shown (popularity), and a multinomial logistic regression. The regression reads
the user's features and the factors of the items that the user was shown. The rows are split: factors and popularity come
from one part, the regression from another, and the weights of the mixture, which calibrate it, from a third (expectation
maximisation).
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.data.catalog import Features
from darlr.data.log import InteractionLog
from darlr.evaluation.off_policy.terms import Floats

PARTS = (0.6, 0.2, 0.2)
"""Shares of the rows: for factors and popularity, for the regression, for the mixture."""

FACTORS = 8
MOST_CELLS = 4_000_000
"""The largest number of users times items that the regression reads, with users drawn at random; it bounds the time."""

MIXED_CELLS = 2_000_000_000
"""The largest number of rows times items whose likelihood chooses the mixture's weight; it bounds the time."""

PENALTY, ITERATIONS, MIXING_ITERATIONS = 1e-3, 60, 100


@dataclass(frozen=True)
class Behaviour:
    """An estimated logging policy.

    Attributes:
        popularity: (I,) float64, the smoothed share of each item; sums to 1.
        inputs: (U, d) float32, the regression's inputs for each user.
        weights, bias: (d, I) and (I,) float32 of the regression.
        mixture: weight of the regression; the rest is the weight of popularity.
        likelihoods: mean log-probability of the third part's rows under popularity, the regression and their mixture.
    """

    popularity: Floats
    inputs: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    mixture: float
    likelihoods: tuple[float, float, float]

    def rows(self, users: NDArray[np.integer]) -> Floats:
        """Return (m, I) the probability of every item for `users` (m,), indices into the log's; rows sum to 1."""
        logits = self.inputs[users].astype(np.float64) @ self.weights + self.bias
        logits -= logits.max(axis=1, keepdims=True)
        shown = np.exp(logits)
        shown /= shown.sum(axis=1, keepdims=True)
        mixed: Floats = self.mixture * shown + (1 - self.mixture) * self.popularity
        return mixed


@dataclass(frozen=True)
class _Shown:
    """The users (n,) and the items (n,) that they were shown."""

    users: NDArray[np.int32]
    items: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.users)


def fit_behaviour(log: InteractionLog, features: Features, generator: np.random.Generator) -> Behaviour:
    """Fit the logging policy of `log`, whose users have `features`.

    An item that was never shown gets the probability of half a showing, so that no propensity is 0.
    """
    order = generator.permutation(len(log))
    first, second = np.cumsum([round(share * len(log)) for share in PARTS[:2]])
    early, middle, late = (_Shown(log.users[part], log.items[part]) for part in np.split(order, [first, second]))
    counts = np.bincount(early.items, minlength=log.n_items) + 0.5
    popularity = counts / counts.sum()
    inputs = np.concatenate([_features(features), _factors(early, log.n_users, log.n_items, generator)], axis=1)
    fitted = Behaviour(popularity, inputs, *_regression(middle, inputs, popularity, generator), 0.5, (0.0, 0.0, 0.0))
    mixture, likelihoods = _mixture(late, fitted)
    return Behaviour(popularity, inputs, fitted.weights, fitted.bias, mixture, likelihoods)


def _features(features: Features) -> NDArray[np.float32]:
    """Return (U, d) numeric features, and each code as an indicator."""
    coded = [np.eye(size, dtype=np.float32)[codes] for size, codes in zip(features.code_sizes, features.codes.T, strict=True)]
    return np.concatenate([features.numeric.astype(np.float32), *coded], axis=1)


def _factors(log: _Shown, n_users: int, n_items: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Return (U, k) left singular vectors of the matrix of users and shown items, each divided by its own spread."""
    size = min(FACTORS, n_users - 1, n_items - 1)
    if size < 1:
        return np.zeros((n_users, 0), np.float32)
    cells = torch.from_numpy(np.stack([log.users, log.items]).astype(np.int64))
    shown = torch.sparse_coo_tensor(cells, torch.ones(len(log)), (n_users, n_items), check_invariants=False).coalesce()
    right = torch.from_numpy(generator.standard_normal((n_items, size + 4)).astype(np.float32))
    for _ in range(4):  # a randomised range finder (Halko et al., 2011), with numbers from the generator
        left = torch.linalg.qr(torch.sparse.mm(shown, right)).Q
        right = torch.linalg.qr(torch.sparse.mm(shown.t(), left)).Q
    rotation, scales, _ = torch.linalg.svd(torch.sparse.mm(shown, right), full_matrices=False)
    found: NDArray[np.float32] = (rotation * scales)[:, :size].numpy()
    spread = found.std(axis=0)
    standard: NDArray[np.float32] = np.divide(found - found.mean(axis=0), spread, out=np.zeros_like(found), where=spread > 0)
    return standard


def _regression(
    log: _Shown, inputs: NDArray[np.float32], popularity: Floats, generator: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (d, I) weights and (I,) bias that maximise the likelihood of `log` minus a ridge penalty, starting from
    popularity.
    """
    users, counts = np.unique(log.users, return_counts=True)
    most = max(1, MOST_CELLS // len(popularity))
    if len(users) > most:
        users = np.sort(generator.choice(users, most, replace=False))
        inside = np.isin(log.users, users)
        log = _Shown(log.users[inside], log.items[inside])
        users, counts = np.unique(log.users, return_counts=True)
    known, times = torch.from_numpy(inputs[users]), torch.from_numpy(counts.astype(np.float32))
    rows, items = torch.from_numpy(np.searchsorted(users, log.users)), torch.from_numpy(log.items.astype(np.int64))
    weights = torch.zeros(inputs.shape[1], len(popularity), requires_grad=True)
    bias = torch.from_numpy(np.log(popularity).astype(np.float32)).requires_grad_()
    start = bias.detach().clone()
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        logits = known @ weights + bias
        likelihood = logits[rows, items].sum() - (times * logits.logsumexp(dim=1)).sum()
        total = PENALTY * (weights.square().sum() + (bias - start).square().sum()) - likelihood / len(log)
        total.backward()  # type: ignore[no-untyped-call]
        return total

    if len(log):
        optimiser.step(loss)  # type: ignore[no-untyped-call]
    return weights.detach().numpy(), bias.detach().numpy()


def _mixture(log: _Shown, fitted: Behaviour) -> tuple[float, tuple[float, float, float]]:
    """Return the weight of the regression that maximises the likelihood of `log`, and the mean log-probabilities.

    Without any row, popularity alone is used.
    """
    if len(log) == 0:
        return 0.0, (0.0, 0.0, 0.0)
    most = max(1, MIXED_CELLS // len(fitted.popularity))
    log = _Shown(log.users[:most], log.items[:most])  # rows are in random order
    popular = fitted.popularity[log.items]
    alone = Behaviour(fitted.popularity, fitted.inputs, fitted.weights, fitted.bias, 1.0, (0.0, 0.0, 0.0))
    regressed = np.concatenate(
        [
            np.take_along_axis(alone.rows(log.users[part]), log.items[part, None].astype(np.intp), axis=1)[:, 0]
            for part in np.array_split(np.arange(len(log)), max(1, len(log) * len(fitted.popularity) // MOST_CELLS))
        ]
    )
    weight = 0.5
    for _ in range(MIXING_ITERATIONS):
        joint = weight * regressed
        weight = float(np.clip((joint / (joint + (1 - weight) * popular)).mean(), 0.0, 0.999))
    both = weight * regressed + (1 - weight) * popular
    means = [float(np.log(np.maximum(values, 1e-300)).mean()) for values in (popular, regressed, both)]
    return weight, (means[0], means[1], means[2])
