"""From values of features of a user or an item outside the log to the world model's prior for such users or items."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from darlr.data.catalog import Features
from darlr.errors import InputError
from darlr.serving.schema import is_number
from darlr.text import brief
from darlr.world_model.factors.design import Tags
from darlr.world_model.factors.model import Population

UNKNOWN = -1


@dataclass(frozen=True)
class Described:
    """Features of a user or an item.

    Attributes:
        codes: of the coded features, `UNKNOWN` where unknown.
        numbers: of the numeric features, on the reader's scale; NaN where unknown.
        categories: numbers of an item's categories; None if unknown.
    """

    codes: tuple[int, ...]
    numbers: tuple[float, ...]
    categories: tuple[int, ...] | None = None


class FeatureReader:
    """Reads features in the form of the log's users (or items), if the world model has priors that depend on them."""

    def __init__(self, features: Features | None, population: Population | None, noun: str) -> None:
        """
        Args:
            features: of the log's users, or of no users; None if the run folder lacks them.
            population: the world model's users; None if it has no priors.
            noun: "user" or "item".
        """
        self._features, self._population, self._noun = features, population, noun
        values = () if features is None else features.code_values
        sizes = () if features is None else features.code_sizes
        texts: Sequence[Sequence[str]] = values or [tuple(map(str, range(size))) for size in sizes]
        self._codes = [{text: code for code, text in enumerate(known)} for known in texts]

    @property
    def names(self) -> tuple[str, ...]:
        """The features that are read; none if they have no effect."""
        if self._features is None or self._population is None:
            return ()
        return (*self._features.code_names, *self._features.numeric_names)

    def read(
        self, given: Mapping[str, str | float], place: str, tell: Callable[[str, str, str], None], notes: list[str]
    ) -> Described | None:
        """Read the features `given`; None if the run can use none of them.

        Args:
            given: values by name.
            place: the request, for messages.
            tell: is called with names and values that the log's users do not have.
            notes: gets other notes.

        Raises:
            InputError: for a numeric feature that is not a finite number.
        """
        features = self._features
        if features is None or not self.names:
            none = f"the log's {self._noun}s have none"
            reason = "the world model has no priors for them" if self._population is None else none
            notes.append(f"features are given, but {reason}; served as the average {self._noun}")
            return None
        for name in given:
            if name not in self.names:
                tell(f"unknown feature {brief(name)}", "not read", f" (known: {', '.join(self.names)})")
        codes = []
        for name, known in zip(features.code_names, self._codes, strict=True):
            code = known.get(_text(given[name]), UNKNOWN) if name in given else UNKNOWN
            if name in given and code == UNKNOWN and given[name] != "":
                tell(
                    f"feature {brief(name)} is {brief(given[name])}, which no {self._noun} of the log has",
                    "taken for average",
                    "",
                )
            codes.append(code)
        scales = features.numeric_scales or [(0.0, 1.0)] * len(features.numeric_names)
        numbers = [
            _scaled(given[name], scale, f"{place}: feature {brief(name)}") if name in given else math.nan
            for name, scale in zip(features.numeric_names, scales, strict=True)
        ]
        if all(code == UNKNOWN for code in codes) and all(map(math.isnan, numbers)):
            return None
        return Described(tuple(codes), tuple(numbers))

    def priors(self, described: Sequence[Described], tags: Tags | None = None) -> tuple[Tensor, Tensor]:
        """Return means (m, d) and covariances (m, d, d) of the factors of m users or items, given their features.

        Args:
            described: the features of each.
            tags: the categories of items; None for users.
        """
        assert self._population is not None
        assert self._features is not None  # otherwise `read` had returned None
        codes = np.array([one.codes for one in described], np.int64).reshape(len(described), len(self._features.code_names))
        numbers = np.array([one.numbers for one in described], np.float32).reshape(
            len(described), len(self._features.numeric_names)
        )
        return self._population.prior_of_some(codes, self._features.code_sizes, numbers, tags)


def _text(value: Any) -> str:
    """Return a value in the form of the log's tables: whole numbers without a point, and "true" and "false"."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _scaled(value: Any, scale: tuple[float, float], place: str) -> float:
    if not is_number(value):
        raise InputError(f"{place} is {brief(value)}; expected a finite number")
    centre, spread = scale
    return (float(value) - centre) / spread if spread > 0 else 0.0
