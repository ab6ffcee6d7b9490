"""Completion of a truth: all users' rewards for all items, predicted from ratings of items that were drawn for them at random.

Such ratings show all tastes evenly, so none needs a weight. A biased matrix factorisation is fitted to them. Its
predictions of all cells, clipped to the range of rewards, are the truth; observed ratings are not put back.
"""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darlr._version import __version__
from darlr.artifacts.files import reason
from darlr.config.loading import to_mapping
from darlr.data.completion.factorisation import (
    Candidate,
    Factorisation,
    Penalties,
    Ratings,
    held_out_folds,
    held_out_rmse,
    side_problems,
    sweeps,
)
from darlr.data.completion.files import Completion, write_completion
from darlr.data.completion.settings import CompletionConfig
from darlr.errors import InputError, RunError
from darlr.memory import Need, require_fits

CELLS_AT_ONCE = 2_000_000
"""The number of cells that are predicted and written at a time; it bounds the memory."""

BARS = 20
"""The number of bars of the manifest's histogram if rewards are not whole numbers."""

Progress = Callable[[int, int], None]
"""A function of (finished sweeps, all sweeps)."""


@dataclass(frozen=True)
class Exposed:
    """n ratings that users gave to items drawn for them at random; a pair may occur several times.

    Attributes:
        users, items: (n,) rows and columns of the test world.
        rewards: (n,) the ratings, finite.
        n_users, n_items: size of the test world.
        inputs: the sources: the SHA-256 of every file by name, and the options of reading.

    Raises:
        InputError: if any of the above does not hold.
    """

    users: NDArray[np.integer[Any]]
    items: NDArray[np.integer[Any]]
    rewards: NDArray[np.float64]
    n_users: int
    n_items: int
    inputs: Mapping[str, str]

    def __post_init__(self) -> None:
        n = len(self.users)
        if len(self.items) != n or len(self.rewards) != n:
            found = f"{n} users, {len(self.items)} items and {len(self.rewards)} rewards"
            raise InputError(f"the exposed ratings have {found}; expected as many of each")
        for name, column, size in (("users", self.users, self.n_users), ("items", self.items, self.n_items)):
            if n and (column.min() < 0 or column.max() >= size):
                raise InputError(f"the exposed ratings' {name} lie in {column.min()}..{column.max()}; expected 0..{size - 1}")
        if not np.isfinite(self.rewards).all():
            raise InputError(f"the exposed ratings' reward in row {int(np.argmin(np.isfinite(self.rewards)))} is not finite")


def complete(
    exposed: Exposed, settings: CompletionConfig, generator: np.random.Generator, out: Path, progress: Progress
) -> Completion:
    """Complete the ratings; write the matrix to `out` (.npy) and its manifest next to it.

    The same ratings, settings and generator make the same bytes on the same machine. An interruption leaves earlier files
    untouched.

    Args:
        exposed: the ratings.
        settings: candidates and bounds.
        generator: draws folds and initial factors.
        out: the matrix file.
        progress: is called after every sweep.

    Raises:
        InputError: for ratings that cannot be completed, or that do not fit into the memory.
        RunError: if the files cannot be written.
    """
    ratings = observed(exposed, settings)
    require_fits(_needs(ratings, settings))
    _require_writable(out.parent)
    tests = held_out_folds(len(ratings), settings.folds, settings.folds_tested, generator)
    grid = itertools.product(settings.factors, settings.factor_penalties, settings.bias_penalties)
    candidates = [Candidate(factors, Penalties(*penalties)) for factors, *penalties in grid]
    total = (len(candidates) * len(tests) + 1) * settings.sweeps
    done = itertools.count(1)

    def fit(part: Ratings, candidate: Candidate) -> Factorisation:
        models = sweeps(part, candidate.factors, candidate.penalties, generator)
        for _ in range(settings.sweeps):
            model = next(models)
            progress(next(done), total)
        return model

    def errors(model: Factorisation, part: Ratings) -> NDArray[np.float64]:
        return _errors(model, part, settings)

    tried = [(held_out_rmse(candidate, ratings, tests, fit, errors), candidate) for candidate in candidates]
    rmse, chosen = min(tried, key=lambda entry: entry[0])
    model = fit(ratings, chosen)
    origin = {
        "darlr": __version__,
        "inputs": dict(exposed.inputs),
        "ratings": {"rows": len(exposed.users), "pairs": len(ratings), "mean": model.mean},
        "settings": to_mapping(settings),
        "candidates": [_describe(*entry) for entry in tried],
        "chosen": _describe(rmse, chosen),
        "fitted_rmse": float(np.sqrt(np.square(_errors(model, ratings, settings)).mean())),
    }
    return write_completion(out, ratings.shape, _blocks(model, settings), _edges(settings), origin)


def _needs(ratings: Ratings, settings: CompletionConfig) -> Iterator[Need]:
    """Yield the memory of a fit with the largest number of factors that is tried."""
    width = 1 + max(settings.factors)
    cause = f"config key 'completion.factors' is {list(settings.factors)}"
    yield Need(2 * ratings.values.itemsize * width * sum(ratings.shape), cause, "the factors of all users and items")
    problems = max(side_problems(owners) for owners in (ratings.users, ratings.items))
    yield Need(2 * ratings.values.itemsize * width**2 * problems, cause, "the problems that are solved at once")


def observed(exposed: Exposed, settings: CompletionConfig) -> Ratings:
    """Return every pair once, with the mean of its rewards.

    Raises:
        InputError: for rewards out of bounds, or too few pairs.
    """
    low, high = settings.minimum, settings.maximum
    inside = (exposed.rewards >= low) & (exposed.rewards <= high)
    if not inside.all():
        row = int(np.argmin(inside))
        raise InputError(f"the exposed ratings' reward in row {row} is {exposed.rewards[row]:g}; expected {low:g}..{high:g}")
    ratings = Ratings.of(exposed.users, exposed.items, exposed.rewards, (exposed.n_users, exposed.n_items))
    if len(ratings) < settings.folds:
        raise InputError(
            f"{len(ratings)} pairs of users and items were exposed; expected at least {settings.folds}, one a fold"
        )
    return ratings


def _require_writable(folder: Path) -> None:
    """Check that the result can be written before the fit, which takes minutes."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made ({reason(folder, error)})") from error
    if not os.access(folder, os.W_OK):
        raise RunError(f"{folder}: the completed truth cannot be written here; expected permission to")


def _errors(model: Factorisation, ratings: Ratings, settings: CompletionConfig) -> NDArray[np.float64]:
    """Return (n,) predictions, clipped to the range of rewards, minus the ratings."""
    predicted = model.at(ratings.users, ratings.items).clip(settings.minimum, settings.maximum)
    errors: NDArray[np.float64] = predicted - ratings.values
    return errors


def _describe(rmse: float, candidate: Candidate) -> dict[str, Any]:
    return {
        "factors": candidate.factors,
        "factor_penalty": candidate.penalties.factors,
        "bias_penalty": candidate.penalties.biases,
        "held_out_rmse": rmse,
    }


def _blocks(model: Factorisation, settings: CompletionConfig) -> Iterator[NDArray[np.float32]]:
    """Yield the truth in blocks of consecutive users."""
    step = max(1, CELLS_AT_ONCE // len(model.items))
    for start in range(0, len(model.users), step):
        block = model.block(slice(start, start + step))
        if settings.whole:
            np.rint(block, out=block)
        yield block.clip(settings.minimum, settings.maximum).astype(np.float32)


def _edges(settings: CompletionConfig) -> NDArray[np.float64]:
    """Return the edges of the histogram's bars: a bar for every whole reward, or equal bars."""
    low, high = settings.minimum, settings.maximum
    return np.arange(low, high + 2) - 0.5 if settings.whole else np.linspace(low, high, BARS + 1)
