"""Requests in the policy's terms, with notes on them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from darlr.data.ids import Id, KnownIds
from darlr.errors import InputError, unknown
from darlr.run.saved import SavedPolicy
from darlr.serving.features import Described, FeatureReader
from darlr.serving.messages import OnUnknown, Past, Request
from darlr.serving.telling import Teller, teller
from darlr.text import brief

NEW_USER = -1


@dataclass(frozen=True)
class Understood:
    """A request in the policy's terms.

    Attributes:
        name: the user as the answer names it.
        user: its place among the log's users, or `NEW_USER`.
        columns, rewards: the recent items: columns of the world, and rewards, normalised to 0..1.
        given: the same rewards in the units of the log.
        candidates: columns that may be recommended; None: all.
        exclude: columns that may not be recommended.
        exclude_seen: whether the user's items in the log are left out, too.
        past: whether the user's past is taken from the log.
        features: features of a user outside the log.
        repeats: whether recent items may be ranked, too.
        notes: as in `Answer.notes`.
        skipped: whether it gets no items.
    """

    name: Id | None
    user: int
    columns: tuple[int, ...]
    rewards: tuple[float, ...]
    given: tuple[float, ...]
    candidates: tuple[int, ...] | None
    exclude: tuple[int, ...]
    exclude_seen: bool
    past: bool
    features: Described | None
    notes: tuple[str, ...]
    skipped: bool
    repeats: bool = False


class Understanding:
    """Knows the log's ids, the items that a policy can recommend, and how features of users are read."""

    def __init__(self, policy: SavedPolicy, features: FeatureReader) -> None:
        self.users, self.items = KnownIds(policy.user_ids), KnownIds(policy.item_ids)
        self._features = features
        self._column = {item: column for column, item in enumerate(policy.world_items.tolist())}
        self._low, self._high = policy.reward_range

    def of(
        self,
        number: int,
        request: Request,
        on_unknown: OnUnknown,
        beside: Sequence[str] = (),
        left_out: Collection[Id] = (),
    ) -> Understood:
        """Return the request, which is the `number`-th of its batch, in the policy's terms.

        Args:
            number: its number.
            request: the request.
            on_unknown: the treatment of unknown parts.
            beside: earlier notes.
            left_out: items that these notes already mention as left out.

        Raises:
            InputError: naming it, for rewards that do not match the items or lie outside the users' range. With
                `on_unknown` "error" also for an unknown user, item or feature.
        """
        place = place_of(number, request)
        if request.history not in get_args(Past):
            raise unknown("value of history", str(request.history), get_args(Past))
        notes = list(beside)
        tell = teller(place, on_unknown, notes)
        user = NEW_USER if request.user is None else self.users.find(request.user)
        skipped = user is None and on_unknown == "skip"
        if user is None:
            fate = "the request is skipped" if skipped else "served as a new user"
            tell(f"unknown user {brief(request.user)}, no id of the log", fate, self.users.hint(request.user))
        rewards = self._normalised(request, place)
        named = _Named(tell, notes, left_out)
        columns = list(self._columns(request.items, "recent item", "recent items", "history", named))
        given = zip(columns, rewards, request.rewards, strict=True)
        kept = [(column, reward, float(told)) for column, reward, told in given if column is not None]
        new = user is None or user == NEW_USER
        return Understood(
            name=request.user if user is None or user == NEW_USER else self.users.ids[user],
            user=NEW_USER if user is None else user,
            columns=tuple(column for column, _, _ in kept),
            rewards=tuple(reward for _, reward, _ in kept),
            given=tuple(told for _, _, told in kept),
            candidates=None if request.candidates is None else self._chosen(request.candidates, "candidate", named),
            exclude=self._chosen(request.exclude, "excluded item", named),
            exclude_seen=bool(request.exclude_seen),
            past=not new and request.history == "log" and not request.items,
            features=self._described(request, new, place, tell, notes),
            notes=tuple(dict.fromkeys(notes)),
            skipped=skipped,
        )

    def _columns(self, items: Iterable[Id], one: str, many: str, whole: str, named: "_Named") -> Iterable[int | None]:
        """Yield the column of each item; None for items that the log, or the policy, does not have."""
        for item in items:
            known = self.items.find(item)
            if known is None and self.items.as_logged(item) not in named.left_out:
                named.tell(f"unknown item {brief(item)} among the {many}", f"left out of the {whole}", self.items.hint(item))
            elif known is not None and known not in self._column:
                named.notes.append(f"{one} {brief(item)} cannot be recommended by this policy; left out of the {whole}")
            yield None if known is None else self._column.get(known)

    def _chosen(self, items: Iterable[Id], one: str, named: "_Named") -> tuple[int, ...]:
        many = f"{one}s"
        return tuple(column for column in self._columns(items, one, many, many, named) if column is not None)

    def _described(self, request: Request, new: bool, place: str, tell: Teller, notes: list[str]) -> Described | None:
        if not request.features:
            return None
        if not new:
            notes.append("features are given of a user whom the log knows; they are not read")
            return None
        return self._features.read(request.features, place, tell, notes)

    def _normalised(self, request: Request, place: str) -> list[float]:
        """Return the rewards of the recent items, one for each item, in 0..1."""
        items, rewards, low, high = request.items, request.rewards, self._low, self._high
        if len(items) != len(rewards):
            counts = f"{len(items)} recent items and {len(rewards)} rewards"
            raise InputError(f"{place}: {counts}; expected one reward for each item")
        for reward in rewards:
            if not (_is_number(reward) and low <= reward <= high):
                shown = f"{reward:g}" if isinstance(reward, float) else brief(reward)
                raise InputError(f"{place}: a recent reward is {shown}; expected {low:g} to {high:g}")
        return [(float(reward) - low) / (high - low) for reward in rewards]


@dataclass(frozen=True)
class _Named:
    """Receives the notes on unusable items of a request, and knows the items already mentioned."""

    tell: Teller
    notes: list[str]
    left_out: Collection[Id]


def place_of(number: int, request: Request) -> str:
    """Name the `number`-th request of a batch in messages."""
    return f"request {number}, user {brief(request.user)}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
