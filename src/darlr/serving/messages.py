"""Requests to a recommender, and its answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, overload

from darlr.data.ids import Id

OnUnknown = Literal["error", "skip", "new"]
"""The treatment of a request with a user or an item that the log does not have.

- error: the batch is refused.
- skip: the user gets no items.
- new: the user is served as a new one.

With skip and new, an unknown item is left out, and a note in the answer says so.
"""

Past = Literal["log", "none"]
"""The source of a user's past if the request has no recent items.

- log: the newest rows of a known user in the log are the window that the policy looks at. A policy that acts on a belief
  has the log in its belief already, and begins without a window.
- none: there is no past, as at the start of an episode.
"""


@dataclass(frozen=True)
class NewItem:
    """An item that the log lacks, with its known properties.

    Attributes:
        item: raw id; a whole number if the log's ids are.
        categories: names of its categories, as the log's items have them; None: unknown.
        features: values, by name, of the features that the log's items have; omitted ones are unknown.
    """

    item: Id
    categories: Sequence[str] | None = None
    features: Mapping[str, str | float] | None = None


@dataclass(frozen=True)
class Request:
    """A user to recommend to, and the items to choose from.

    Attributes:
        user: raw user id; None: a new user.
        items: raw ids of the user's recent items, oldest first; they are not recommended again.
        rewards: the user's reward for each of them, in the units of the log.
        candidates: raw ids of the only items to rank; None: all that the policy can recommend.
        exclude: raw ids of items that must not be recommended.
        exclude_seen: whether the user's items in the log are left out.
        history: the source of the past without `items`.
        features: values, by name, of the features that the log's users have, for a user outside the log.
        new_items: items that the log lacks and that may be ranked for this request; the other keys may name them.
    """

    user: Id | None = None
    items: Sequence[Id] = ()
    rewards: Sequence[float] = ()
    candidates: Sequence[Id] | None = None
    exclude: Sequence[Id] = ()
    exclude_seen: bool = True
    history: Past = "log"
    features: Mapping[str, str | float] | None = None
    new_items: Sequence[NewItem] = ()


ANYBODY = Request()
"""A request for a new user without any information: the defaults of a request."""


@dataclass(frozen=True)
class Moved:
    """A user's reward for an item, and the change that it made to another item's expected reward, in the units of the log."""

    item: Id
    reward: float
    change: float


@dataclass(frozen=True)
class Explanation:
    """The parts of an item's expected reward, in the units of the log.

    Attributes:
        estimate: the expectation before the user's recent rewards.
        change: the change by these rewards; the expected reward is the sum of the two.
        penalty: the deduction in the ranking for sharing a category with recent items.
        moved_by: the reward that changed it most; None if none did.
    """

    estimate: float
    change: float
    penalty: float
    moved_by: Moved | None


@dataclass(frozen=True)
class Recommendation:
    """A ranked item.

    Attributes:
        item: raw id.
        score: the probability with which the policy would choose it among the allowed items.
        expected_reward: the reward that the user is expected to give, in the units of the log.
        explanation: its explanation, if it was asked for.
    """

    item: Id
    score: float
    expected_reward: float
    explanation: Explanation | None = None


@dataclass(frozen=True)
class Answer(Sequence[Recommendation]):
    """The ranked items for a request, best first; a sequence of them.

    Attributes:
        user: the log's own id of the user, or the request's if the log does not have it.
        ranked: the items.
        notes: lines that should be known: a user served as new, items left out, fewer items than asked for.
    """

    user: Id | None
    ranked: tuple[Recommendation, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ranked)

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.ranked)

    @overload
    def __getitem__(self, place: int) -> Recommendation: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Recommendation]: ...
    def __getitem__(self, place: int | slice) -> Recommendation | Sequence[Recommendation]:
        return self.ranked[place]
