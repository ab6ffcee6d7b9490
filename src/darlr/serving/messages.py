"""What is asked of a recommender, and what it answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, overload

from darlr.data.ids import Id

OnUnknown = Literal["error", "skip", "new"]
"""What becomes of a request whose user, or one of whose recent items, the log does not have.

error: the batch is refused. skip: the user gets no items. new: the user is served as a new one. With skip and new, an unknown
item is left out of the history, and a note in the answer says what happened.
"""


@dataclass(frozen=True)
class Recommendation:
    """A raw item id, and the probability with which the policy would pick it among the items that are not excluded."""

    item: Id
    score: float


@dataclass(frozen=True)
class Request:
    """Whom to recommend to.

    Attributes:
        user: raw user id; None: a new user.
        items: raw ids of what was recommended to the user lately, oldest first; they are not recommended again.
        rewards: what the user gave each of them, in the units of the log.
    """

    user: Id | None = None
    items: Sequence[Id] = ()
    rewards: Sequence[float] = ()


@dataclass(frozen=True)
class Answer(Sequence[Recommendation]):
    """The ranked items for a request, best first; a sequence of them.

    Attributes:
        user: the log's own id of the user; the request's where the log does not have it.
        ranked: the items.
        notes: what should be known of it, a line each: a user taken for new, items left out, fewer items than asked for.
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
