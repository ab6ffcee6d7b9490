"""What is asked of a recommender, and what it answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, overload

from darlr.data.ids import Id

OnUnknown = Literal["error", "skip", "new"]
"""What becomes of a request whose user, or one of whose items, the log does not have.

error: the batch is refused. skip: the user gets no items. new: the user is served as a new one. With skip and new, an unknown
item is left out, and a note in the answer says what happened.
"""

Past = Literal["log", "none"]
"""Where the past of a user comes from whose request has no recent items.

log: from the log: the newest rows of a user whom it knows are the window that the policy looks at. A policy that acts on a
belief has the log in its belief already, and begins without a window. none: there is no past, as when an episode begins.
"""


@dataclass(frozen=True)
class NewItem:
    """An item that the log lacks, and what is known of it.

    Attributes:
        item: raw id; where the log's ids are whole numbers, it is one, too.
        categories: names of its categories, as the log's items have them; None: not known.
        features: values of the features that the items of the log have, by name; those that are left out are not known.
    """

    item: Id
    categories: Sequence[str] | None = None
    features: Mapping[str, str | float] | None = None


@dataclass(frozen=True)
class Request:
    """Whom to recommend to, and among what.

    Attributes:
        user: raw user id; None: a new user.
        items: raw ids of what was recommended to the user lately, oldest first; they are not recommended again.
        rewards: what the user gave each of them, in the units of the log.
        candidates: raw ids of the only items to rank; None: all that the policy can recommend.
        exclude: raw ids of items that must not be recommended.
        exclude_seen: whether items that the log says the user had are left out.
        history: where the past comes from without `items`.
        features: what is known of a user whom the log lacks: values of the features that the users of the log have, by name.
        new_items: items that the log lacks, and that may be ranked for this request all the same; the other keys may name them.
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
"""A new user of whom nothing is told: what a request is where it states nothing."""


@dataclass(frozen=True)
class Moved:
    """An answer of the user, and by how much it moved what another item is expected to give, in the units of the log."""

    item: Id
    reward: float
    change: float


@dataclass(frozen=True)
class Explanation:
    """Why an item is expected to give what it is expected to give, in the units of the log.

    Attributes:
        estimate: expected before the user's recent answers.
        change: what the answers added; the expected reward is the sum of the two.
        penalty: how much less the item counts since it shares a category with recent ones.
        moved_by: the answer that moved it most; None where none moved it.
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
        score: the probability with which the policy would pick it among the items that may be recommended.
        expected_reward: what the user is expected to give it, in the units of the log.
        explanation: where it was asked for.
    """

    item: Id
    score: float
    expected_reward: float
    explanation: Explanation | None = None


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
