"""Groups of users with the same value of a feature, for metrics of held-out rows by group.

This module does not import torch, because reports read it, too.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from darlr.data.catalog import Features
from darlr.errors import InputError, unknown

SMALLEST = 20
"""The least size of a group; smaller ones are pooled, because a mean over so few users says little."""
QUARTERS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")
"""Names of the quarters of users by a numeric feature."""


@dataclass(frozen=True)
class UserGroups:
    """Groups of q users by one of their features.

    Attributes:
        feature: its name.
        labels: labels of the groups that have users.
        groups: (q,) int64, the group of each user.
    """

    feature: str
    labels: tuple[str, ...]
    groups: NDArray[np.int64]

    @classmethod
    def of(cls, features: Features, name: str, users: NDArray[np.int64]) -> Self:
        """Group `users` (q,), rows of `features`; groups of fewer than `SMALLEST` are pooled if there are several.

        Raises:
            InputError: for a feature that the users do not have.
        """
        labels, codes = _values(features, name)
        counts = np.bincount(codes[users], minlength=len(labels))
        small = (counts > 0) & (counts < SMALLEST)
        pooled = small if small.sum() > 1 else np.zeros_like(small)
        kept = np.flatnonzero((counts > 0) & ~pooled)
        places = np.full(len(labels), len(kept))
        places[kept] = np.arange(len(kept))
        rest = (f"others ({pooled.sum()} groups)",) if pooled.any() else ()
        return cls(name, (*(labels[group] for group in kept), *rest), places[codes[users]].astype(np.int64))

    def members(self, group: int) -> NDArray[np.intp]:
        """Return the numbers (m,) of a group's users, 0..q-1."""
        return np.flatnonzero(self.groups == group)


def require_feature(features: Features, name: str) -> None:
    """Raise `InputError` if users have no feature `name`."""
    known = (*features.code_names, *features.numeric_names)
    if not known:
        raise InputError(f"config key 'evaluation.by_group' is '{name}', but the users have no features; expected none")
    if name not in known:
        raise unknown("feature of users for config key 'evaluation.by_group'", name, known)


def _values(features: Features, name: str) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Return the labels of a feature's values, and the value of each entity (n,)."""
    require_feature(features, name)
    if name in features.code_names:
        column = features.code_names.index(name)
        labels = features.code_values[column] if features.code_values else tuple(map(str, range(features.code_sizes[column])))
        return tuple(label or "(blank)" for label in labels), features.codes[:, column].astype(np.intp)
    numbers = features.numeric[:, features.numeric_names.index(name)]
    return QUARTERS, np.searchsorted(np.quantile(numbers, (0.25, 0.5, 0.75)), numbers, side="left")
