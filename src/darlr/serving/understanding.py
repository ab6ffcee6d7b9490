"""Requests in the policy's terms, and what has to be told of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from darlr.data.ids import Id, KnownIds
from darlr.errors import InputError
from darlr.run.saved import SavedPolicy
from darlr.serving.messages import OnUnknown, Request
from darlr.text import brief

NEW_USER = -1


@dataclass(frozen=True)
class Understood:
    """A request in the policy's terms.

    Attributes:
        name: the user as the answer names it.
        user: its place among the log's users, or `NEW_USER`.
        columns, rewards: the history: columns of the world, and what the user gave, normalised to 0..1.
        notes: as `Answer.notes`.
        skipped: whether it gets no items.
    """

    name: Id | None
    user: int
    columns: tuple[int, ...]
    rewards: tuple[float, ...]
    notes: tuple[str, ...]
    skipped: bool


class Understanding:
    """Knows the log's ids, and which items a policy can recommend."""

    def __init__(self, policy: SavedPolicy) -> None:
        self.users, self.items = KnownIds(policy.user_ids), KnownIds(policy.item_ids)
        self._column = {item: column for column, item in enumerate(policy.world_items.tolist())}
        self._low, self._high = policy.reward_range

    def of(self, number: int, request: Request, on_unknown: OnUnknown) -> Understood:
        """The request, which is the `number`-th of its batch.

        Raises:
            InputError: naming it: for rewards that do not match the items or lie outside what a user can give, and for an
                unknown user or item where `on_unknown` is "error".
        """
        place = f"request {number}, user {brief(request.user)}"
        notes: list[str] = []

        def tell(strange: str, fate: str, hint: str) -> None:
            if on_unknown == "error":
                raise InputError(f"{place}: {strange}{hint}")
            notes.append(f"{strange}; {fate}{hint}")

        user = NEW_USER if request.user is None else self.users.find(request.user)
        skipped = user is None and on_unknown == "skip"
        if user is None:
            fate = "the request is skipped" if skipped else "served as a new user"
            tell(f"unknown user {brief(request.user)}, no id of the log", fate, self.users.hint(request.user))
        rewards = self._normalised(request, place)
        columns = []
        for item in request.items:
            known = self.items.find(item)
            if known is None:
                tell(f"unknown item {brief(item)} among the recent items", "left out of the history", self.items.hint(item))
            elif known not in self._column:
                notes.append(f"recent item {brief(item)} cannot be recommended by this policy; left out of the history")
            columns.append(None if known is None else self._column.get(known))
        kept = [(column, reward) for column, reward in zip(columns, rewards, strict=True) if column is not None]
        return Understood(
            name=request.user if user is None or user == NEW_USER else self.users.ids[user],
            user=NEW_USER if user is None else user,
            columns=tuple(column for column, _ in kept),
            rewards=tuple(reward for _, reward in kept),
            notes=tuple(dict.fromkeys(notes)),
            skipped=skipped,
        )

    def _normalised(self, request: Request, place: str) -> list[float]:
        """The rewards of the history, one an item, in 0..1."""
        items, rewards, low, high = request.items, request.rewards, self._low, self._high
        if len(items) != len(rewards):
            counts = f"{len(items)} recent items and {len(rewards)} rewards"
            raise InputError(f"{place}: {counts}; expected one reward for each item")
        for reward in rewards:
            if not (_is_number(reward) and low <= reward <= high):
                shown = f"{reward:g}" if isinstance(reward, float) else brief(reward)
                raise InputError(f"{place}: a recent reward is {shown}; expected {low:g} to {high:g}")
        return [(float(reward) - low) / (high - low) for reward in rewards]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
