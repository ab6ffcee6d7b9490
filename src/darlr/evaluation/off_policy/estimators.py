"""The table of single-step estimators: labels, the weights that they rely on, and their functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from darlr.evaluation.off_policy.decisions import Decisions
from darlr.evaluation.off_policy.importance import clipped_ips, ips, snips
from darlr.evaluation.off_policy.marginal import mips, offcem
from darlr.evaluation.off_policy.modelled import direct_method, doubly_robust, shrunk_doubly_robust, switch_doubly_robust
from darlr.evaluation.off_policy.terms import Floats, Terms
from darlr.evaluation.off_policy.thresholds import chosen_threshold, clip, drop_above, shrink_squared

Trusts = Literal["items", "groups", "model"]
"""The basis of an estimate: weights of items, weights of groups of items, or the model alone."""


@dataclass(frozen=True)
class Estimator:
    """A single-step estimator; `estimate` reads the columns of `Decisions` that it needs."""

    label: str
    trusts: Trusts
    estimate: Callable[[Decisions], Terms]


def _clipped(logged: Decisions) -> Terms:
    largest = chosen_threshold(logged.weights, logged.rewards, np.zeros(len(logged)), clip)
    return replace(clipped_ips(logged.rewards, logged.weights, largest.value), bias=largest.bias)


def _switch(logged: Decisions) -> Terms:
    largest = chosen_threshold(logged.weights, logged.rewards - logged.modelled, logged.expected, drop_above)
    terms = switch_doubly_robust(logged.rewards, logged.weights, logged.modelled, logged.expected, largest.value)
    return replace(terms, bias=largest.bias)


def _shrunk(logged: Decisions) -> Terms:
    scale = chosen_threshold(logged.weights, logged.rewards - logged.modelled, logged.expected, shrink_squared)
    terms = shrunk_doubly_robust(logged.rewards, logged.weights, logged.modelled, logged.expected, scale.value**2)
    return replace(terms, bias=scale.bias)


def _groups(logged: Decisions) -> Floats:
    return logged.weights if logged.group_weights is None else logged.group_weights


ESTIMATORS: Mapping[str, Estimator] = MappingProxyType(
    {
        "dr": Estimator(
            "DR", "items", lambda logged: doubly_robust(logged.rewards, logged.weights, logged.modelled, logged.expected)
        ),
        "shrunk_dr": Estimator("DR, shrunk", "items", _shrunk),
        "switch_dr": Estimator("Switch-DR", "items", _switch),
        "snips": Estimator("SNIPS", "items", lambda logged: snips(logged.rewards, logged.weights)),
        "ips": Estimator("IPS", "items", lambda logged: ips(logged.rewards, logged.weights)),
        "clipped_ips": Estimator("IPS, clipped", "items", _clipped),
        "offcem": Estimator(
            "OffCEM", "groups", lambda logged: offcem(logged.rewards, _groups(logged), logged.modelled, logged.expected)
        ),
        "mips": Estimator("MIPS", "groups", lambda logged: mips(logged.rewards, _groups(logged))),
        "dm": Estimator("direct method", "model", lambda logged: direct_method(logged.expected)),
    }
)
"""The estimators by name, the most trusted first: policies are compared by the first that supports both."""


def estimators_for(logged: Decisions) -> Mapping[str, Estimator]:
    """Return the applicable estimators; those of groups are left out if items have none."""
    return {
        name: estimator
        for name, estimator in ESTIMATORS.items()
        if estimator.trusts != "groups" or logged.group_weights is not None
    }
