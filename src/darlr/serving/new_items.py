"""Items that the log lacks, in a policy's terms: the world model's expectations of items with such categories and features."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from darlr.data.catalog import Features
from darlr.data.ids import Id, KnownIds
from darlr.data.log import text_ids
from darlr.errors import InputError
from darlr.run.history import Kept
from darlr.run.saved import SavedPolicy
from darlr.serving.features import UNKNOWN, Described, FeatureReader
from darlr.serving.messages import NewItem
from darlr.serving.telling import Teller
from darlr.text import brief
from darlr.world_model.factors.design import Tags
from darlr.world_model.factors.model import FactorModel

LARGEST_ID = 2**63


@dataclass(frozen=True)
class DescribedItem:
    """A new item with an id in the form of the log's, and its known properties in the policy's terms."""

    item: Id
    described: Described


@dataclass(frozen=True)
class NewItems:
    """The new items of a request.

    Attributes:
        items: those that can be ranked.
        left_out: ids of the others.
    """

    items: tuple[DescribedItem, ...]
    left_out: tuple[Id, ...]


class NewItemReader:
    """Reads new items in the form of the log's ids, categories and features, for a policy that can rank them."""

    def __init__(self, policy: SavedPolicy, kept: Kept | None, known: KnownIds) -> None:
        """
        Args:
            policy: the saved policy.
            kept: the part of its log that the run keeps.
            known: the ids of the items that the policy knows.
        """
        self._policy, self._known = policy, known
        self._features = _item_features(policy, kept)
        population = policy.model.items if isinstance(policy.model, FactorModel) else None
        self._reader = FeatureReader(self._features, population, "item")
        names = () if policy.names is None else policy.names.categories
        self._category = {name: number for number, name in enumerate(names)}

    @property
    def features(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the coded and of the numeric features that are read."""
        return ((), ()) if self._features is None else (self._features.code_names, self._features.numeric_names)

    @cached_property
    def refusal(self) -> str | None:
        """Why the policy can only rank items of its log; None if it can rank others."""
        if not isinstance(self._policy.model, FactorModel):
            return f"the world model is of the kind '{self._policy.config.world_model.kind}', which has no prior for items"
        if self._features is None:
            return "the run does not say how features of items are read; train it once more"
        try:
            self.widened([DescribedItem(self._spare_id(), self._nothing())])
        except InputError as error:
            return str(error)
        return None

    def read(self, new_items: Sequence[NewItem], place: str, tell: Teller, notes: list[str]) -> NewItems:
        """Return the new items that can be ranked; a note says why the others cannot.

        Args:
            new_items: the items.
            place: the request, for messages.
            tell, notes: as in `FeatureReader.read`.

        Raises:
            InputError: naming `place`, for a numeric feature that is not a finite number.
        """
        found: dict[Id, DescribedItem] = {}
        left_out: list[Id] = []
        for new in new_items:
            raw = self._known.as_logged(new.item)
            if self._known.find(raw) is not None:
                notes.append(f"new item {brief(new.item)} is one of the log's; taken as the log knows it")
            elif self.refusal is not None or not self._is_id(raw):
                left_out.append(raw)
            elif raw in found:
                tell(f"new item {brief(new.item)} is described twice", "the first counts", "")
            else:
                found[raw] = DescribedItem(raw, self._described(new, place, tell, notes))
        if left_out:
            many = f"{len(left_out):,} new items" if len(left_out) > 1 else f"new item {brief(left_out[0])}"
            kind = "a whole number, as the log's" if self._known.integers else "text that is not empty"
            reason = self.refusal or f"expected an id that is {kind}"
            tell(f"{many} cannot be recommended: {reason}", "left out", "")
        return NewItems(tuple(found.values()), tuple(left_out))

    def widened(self, items: Sequence[DescribedItem]) -> SavedPolicy:
        """Return the policy in a world that also has `items`.

        Raises:
            InputError: if the policy cannot rank them.
        """
        ids = [one.item for one in items]
        described = [one.described for one in items]
        member = np.zeros((len(items), len(self._category)), bool)
        for row, one in enumerate(described):
            member[row, list(one.categories or ())] = True
        known = np.array([one.categories is not None for one in described], bool)
        means, covariances = self._reader.priors(described, Tags(member, known))
        raw = np.array(ids, np.int64) if self._known.integers else text_ids(map(str, ids))
        return self._policy.with_items(raw, means, covariances, self._membership(member))

    def _described(self, new: NewItem, place: str, tell: Teller, notes: list[str]) -> Described:
        about = f"new item {brief(new.item)}"

        def tell_of(strange: str, fate: str, hint: str) -> None:
            tell(f"{about}: {strange}", fate, hint)

        own: list[str] = []
        read = self._reader.read(new.features, f"{place}: {about}", tell_of, own) if new.features else None
        notes.extend(f"{about}: {note}" for note in own)
        categories = None if new.categories is None else self._categories(new.categories, tell_of)
        known = read or self._nothing()
        return Described(known.codes, known.numbers, categories)

    def _categories(self, names: Sequence[str], tell: Teller) -> tuple[int, ...] | None:
        found = []
        for name in names:
            if name in self._category:
                found.append(self._category[name])
            else:
                tell(f"category {brief(name)}, which no item of the log has", "not read", "")
        return tuple(sorted(set(found))) if found or not names else None

    def _nothing(self) -> Described:
        """Return the properties of an item about which nothing is known."""
        assert self._features is not None  # otherwise `refusal` is not None
        return Described((UNKNOWN,) * len(self._features.code_names), (math.nan,) * len(self._features.numeric_names), None)

    def _membership(self, member: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> torch.Tensor:
        """Return (m, C) in the policy's form, whose last column may stand for items without categories."""
        width = self._policy.membership.shape[1]
        if width > member.shape[1]:
            member = np.concatenate([member, ~member.any(axis=1, keepdims=True)], axis=1)
        return torch.from_numpy(member)

    def _is_id(self, raw: object) -> bool:
        if self._known.integers:
            return isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) < LARGEST_ID
        return isinstance(raw, str) and raw != ""

    def _spare_id(self) -> Id:
        return 0 if self._known.integers else "new"


def _item_features(policy: SavedPolicy, kept: Kept | None) -> Features | None:
    """Return features of no items, with the names, values and scales of the log's; None if the run lacks them."""
    if policy.names is None or kept is None or kept.item_scales is None:
        return None
    described = policy.names.item_features
    labels = tuple(texts for _, texts in described.coded)
    return Features(
        code_names=tuple(name for name, _ in described.coded),
        codes=np.zeros((0, len(labels)), np.int32),
        code_sizes=tuple(map(len, labels)),
        numeric_names=described.numeric,
        numeric=np.zeros((0, len(described.numeric)), np.float32),
        code_values=labels,
        numeric_scales=kept.item_scales,
    )
