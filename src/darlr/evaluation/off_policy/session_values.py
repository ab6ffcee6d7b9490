"""Values of whole sessions by the sequence estimators, with intervals and diagnostics."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from darlr.evaluation.off_policy.decisions import Decisions
from darlr.evaluation.off_policy.estimating import Estimate
from darlr.evaluation.off_policy.fqe import fqe
from darlr.evaluation.off_policy.intervals import bootstrap_by_user
from darlr.evaluation.off_policy.reward_model import folds_of
from darlr.evaluation.off_policy.sequential import (
    fitted_return,
    independent_steps,
    per_decision_is,
    sequential_doubly_robust,
    weighted_is,
)
from darlr.evaluation.off_policy.support import Support
from darlr.evaluation.off_policy.terms import Floats, Terms

Trusts = Literal["products", "steps", "model"]

SESSION_ESTIMATORS: Mapping[str, tuple[str, Trusts]] = MappingProxyType(
    {
        "session_dr": ("DR (FQE)", "products"),
        "weighted_is": ("weighted IS", "products"),
        "per_decision_is": ("per-decision IS", "products"),
        "independent_steps": ("independent steps", "steps"),
        "fqe": ("FQE", "model"),
    }
)
"""Name -> label, and the basis of an estimate: products of a session's ratios, the ratios of single steps, or the model."""

WITHOUT_INTERVAL = ("weighted_is", "per_decision_is", "fqe")
"""Estimators whose bootstrap intervals are misleading (docs/judging.md).

A log that lacks the rare sessions with large products looks as if there were none, so resamples of products alone are too
narrow; DR multiplies products by small errors. The errors of FQE are the model's.
"""


@dataclass(frozen=True)
class Sessions:
    """Decisions arranged by session, in the order in which they were made.

    Attributes:
        users: (S,) the user of each session.
        rows, columns: (n,) the place of each decision.
        taken: (S, T) bool.
    """

    users: NDArray[np.int64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    taken: NDArray[np.bool_]

    @classmethod
    def of(cls, sessions: NDArray[np.int64], users: NDArray[np.int64]) -> "Sessions":
        """Arrange rows.

        Args:
            sessions: (n,) of the rows, those of one session adjacent.
            users: (n,).
        """
        first = np.flatnonzero(np.concatenate([[True], sessions[1:] != sessions[:-1]]))
        lengths = np.diff(np.append(first, len(sessions)))
        rows = np.repeat(np.arange(len(first)), lengths)
        columns = np.arange(len(sessions)) - np.repeat(first, lengths)
        return cls(users[first], rows, columns, np.arange(lengths.max()) < lengths[:, None])

    def laid_out(self, values: Floats, fill: float = 0.0) -> Floats:
        """Return (S, T) of `values` (n,), with `fill` after the ends."""
        table = np.full(self.taken.shape, fill)
        table[self.rows, self.columns] = values
        return table


def judge_sessions(
    policies: Mapping[str, Decisions], sessions: NDArray[np.int64], generator: np.random.Generator
) -> Mapping[str, Mapping[str, Estimate]]:
    """Return policy -> session estimator -> undiscounted return of a session.

    FQE's features are a constant, the model's estimate of the item, and the mean reward of the session so far.

    Args:
        policies: the decisions of each policy, about the same rows.
        sessions: (n,) of the rows of every policy's decisions, as in `Sessions.of`.
        generator: draws the folds and the resamples.
    """
    anybody = next(iter(policies.values()))
    places = Sessions.of(sessions, anybody.users)
    folds = folds_of(places.users, generator)
    terms = {policy: _terms(logged, places, folds) for policy, logged in policies.items()}
    every = {
        f"{policy}/{name}": entry
        for policy, found in terms.items()
        for name, entry in found.items()
        if name not in WITHOUT_INTERVAL
    }
    resampled = bootstrap_by_user(every, places.users, generator)
    return {
        policy: {
            name: Estimate(
                terms[policy][name].value,
                *((math.nan, math.nan) if name in WITHOUT_INTERVAL else resampled.interval(f"{policy}/{name}")),
                _objections(logged, places, trusts),
            )
            for name, (_, trusts) in SESSION_ESTIMATORS.items()
        }
        for policy, logged in policies.items()
    }


def _terms(logged: Decisions, places: Sessions, folds: NDArray[np.int64]) -> dict[str, Terms]:
    rewards, ratios = places.laid_out(logged.rewards), places.laid_out(logged.weights, 1.0)
    given = np.maximum(np.arange(rewards.shape[1]), 1)
    so_far = (rewards.cumsum(axis=1) - rewards) / given
    constant = np.ones(rewards.shape)
    features = np.stack([constant, places.laid_out(logged.modelled), so_far], axis=2)
    expected = np.stack([constant, places.laid_out(logged.expected), so_far], axis=2)
    q, v = fqe(features, expected, rewards, places.taken, folds, 1.0)
    return {
        "session_dr": sequential_doubly_robust(rewards, ratios, q, v, places.taken, 1.0),
        "weighted_is": weighted_is(rewards, ratios, 1.0),
        "per_decision_is": per_decision_is(rewards, ratios, 1.0),
        "independent_steps": independent_steps(rewards, ratios, 1.0),
        "fqe": fitted_return(v),
    }


def _objections(logged: Decisions, places: Sessions, trusts: Trusts) -> tuple[str, ...]:
    if trusts == "model":
        return ()
    if trusts == "steps":
        return tuple(Support.of(logged, logged.weights).objections())
    products = places.laid_out(logged.weights, 1.0).prod(axis=1)
    first = np.searchsorted(places.rows, np.arange(len(products)))
    unsupported = None
    if logged.unsupported is not None:
        unsupported = places.laid_out(logged.unsupported).sum(axis=1) / places.taken.sum(axis=1)
    starts = Decisions(
        users=logged.users[first],
        rewards=logged.rewards[first],
        propensities=logged.propensities[first],
        probabilities=logged.probabilities[first],
        modelled=logged.modelled[first],
        expected=logged.expected[first],
        unsupported=unsupported,
    )
    return tuple(Support.of(starts, products).objections())
