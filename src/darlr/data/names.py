"""Names of the numbers in a data set, and their places in a former version of the log.

Users and items are identified by their raw ids, categories and codes of features by their names. Ids are matched as text,
so that ids that were all numbers are found again in a log that has gained other ids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.artifacts.schema import Check, Keys, flag, list_of, text
from darlr.data.catalog import Features
from darlr.data.dataset import Dataset
from darlr.data.log import Ids
from darlr.errors import InputError
from darlr.world.world import ABSENT

FEATURES = Keys({"coded": list_of(Keys({"name": text, "labels": list_of(text)})), "numeric": list_of(text)})
NAMES: Check = Keys({"categories": list_of(text), "user_features": FEATURES, "item_features": FEATURES, "positive_only": flag})
"""A check for `Names.to_dict` as plain values."""


@dataclass(frozen=True)
class FeatureNames:
    """Columns of features.

    Attributes:
        coded: the coded columns, each with the labels of its codes.
        numeric: the numeric columns.
    """

    coded: tuple[tuple[str, tuple[str, ...]], ...]
    numeric: tuple[str, ...]

    @classmethod
    def of(cls, features: Features) -> Self:
        """Return the names of `features`; the label of a code without one is the code itself."""
        labels = features.code_values or tuple(tuple(map(str, range(size))) for size in features.code_sizes)
        return cls(tuple(zip(features.code_names, labels, strict=True)), features.numeric_names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns."""
        return (*(name for name, _ in self.coded), *self.numeric)

    @property
    def n_codes(self) -> int:
        """The number of codes of all coded columns together."""
        return sum(len(labels) for _, labels in self.coded)


@dataclass(frozen=True)
class Names:
    """Names of the numbers in a data set.

    Attributes:
        users, items: (U,), (I,) raw ids.
        categories: names of the items' categories.
        user_features, item_features: columns of features.
        positive_only: whether its log holds positive feedback alone.
    """

    users: Ids
    items: Ids
    categories: tuple[str, ...]
    user_features: FeatureNames
    item_features: FeatureNames
    positive_only: bool

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Return the names in `dataset`."""
        log, items = dataset.log, dataset.items
        features = FeatureNames.of(dataset.user_features), FeatureNames.of(items.features)
        return cls(log.user_ids, log.item_ids, items.category_names, *features, log.positive_only)

    def to_dict(self) -> dict[str, Any]:
        """Return the names as plain values, without the ids, which a saved policy stores as tensors."""
        return {
            "categories": list(self.categories),
            "user_features": _plain(self.user_features),
            "item_features": _plain(self.item_features),
            "positive_only": self.positive_only,
        }

    @classmethod
    def restore(cls, users: Ids, items: Ids, values: Mapping[str, Any]) -> Self:
        """Restore names from the ids (U,), (I,) and the `values` of `to_dict`, which `NAMES` has checked."""
        features = _features(values["user_features"]), _features(values["item_features"])
        return cls(users, items, tuple(values["categories"]), *features, values["positive_only"])


def _plain(features: FeatureNames) -> dict[str, Any]:
    coded = [{"name": name, "labels": list(labels)} for name, labels in features.coded]
    return {"coded": coded, "numeric": list(features.numeric)}


def _features(values: Mapping[str, Any]) -> FeatureNames:
    coded = tuple((column["name"], tuple(column["labels"])) for column in values["coded"])
    return FeatureNames(coded, tuple(values["numeric"]))


@dataclass(frozen=True)
class Places:
    """The places of a log's users, items and codes in a former log, as numbers there; `ABSENT` for new ones.

    Attributes:
        users: (U,) int64.
        items: (I,) int64.
        categories: (C,) int64.
        user_codes, item_codes: int64, of the codes of all coded columns, one column after the other.
        former: the names in the former log.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    categories: NDArray[np.int64]
    user_codes: NDArray[np.int64]
    item_codes: NDArray[np.int64]
    former: Names

    @classmethod
    def of(cls, now: Names, former: Names) -> Self:
        """Match the names of a log with the `former` ones.

        Raises:
            InputError: if the logs share no user or no item, or have other columns of features or other feedback.
        """
        if now.positive_only != former.positive_only:
            kinds = {True: "positive-only", False: "ratings"}
            raise InputError(
                f"the log's feedback is '{kinds[now.positive_only]}' and the run's '{kinds[former.positive_only]}'; "
                "expected the same"
            )
        for noun, own, others in (
            ("users", now.user_features, former.user_features),
            ("items", now.item_features, former.item_features),
        ):
            if own.columns != others.columns:
                raise InputError(
                    f"the log's {noun} have the features {_listed(own.columns)} and the run's {_listed(others.columns)}; "
                    "expected the same"
                )
        places = cls(
            users=found(now.users.tolist(), former.users.tolist()),
            items=found(now.items.tolist(), former.items.tolist()),
            categories=found(now.categories, former.categories),
            user_codes=_codes(now.user_features, former.user_features),
            item_codes=_codes(now.item_features, former.item_features),
            former=former,
        )
        for noun, shared in (("user", places.users), ("item", places.items)):
            if (shared == ABSENT).all():
                raise InputError(
                    f"the log shares no {noun} with the run; expected a log that the run's has grown or shrunk into"
                )
        return places


def found(names: Sequence[Any], former: Sequence[Any]) -> NDArray[np.int64]:
    """Return (n,) the position of each of `names` among the distinct `former` names, compared as text; `ABSENT` for a new
    one.
    """
    ours, theirs = (pl.Series([str(name) for name in values], dtype=pl.String) for values in (names, former))
    if not len(theirs):
        return np.full(len(ours), ABSENT, np.int64)
    positions = pl.Series(np.arange(len(theirs)))
    return ours.replace_strict(theirs, positions, default=ABSENT, return_dtype=pl.Int64).to_numpy().copy()


def _codes(now: FeatureNames, former: FeatureNames) -> NDArray[np.int64]:
    parts, start = [np.zeros(0, np.int64)], 0
    for (_, labels), (_, before) in zip(now.coded, former.coded, strict=True):
        place = found(labels, before)
        parts.append(np.where(place == ABSENT, ABSENT, place + start))
        start += len(before)
    return np.concatenate(parts)


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in columns) or "none"
