"""A trained policy that serves: raw ids in, ranked raw ids out."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Self, get_args

import torch

from darlr.artifacts import RunFolder
from darlr.config.constraints import require_between
from darlr.data.ids import Id
from darlr.data.log import Ids
from darlr.errors import InputError, unknown
from darlr.run.history import logged_history
from darlr.run.saved import SavedPolicy
from darlr.serving.messages import Answer, NewItem, OnUnknown, Request
from darlr.serving.served import Served
from darlr.serving.telling import teller
from darlr.serving.understanding import Understood, place_of

MOST_COUNT = 1_000_000
KEPT_ITEMS = 8
"""Sets of new items whose worlds are kept, since one client tends to ask for the same set again."""
MOST_NOTICES = 5


class Recommender:
    """Ranks items by a run's policy.

    Attributes:
        path: the run folder.
        served: its policy with the items that it ranks.
        notices: what should be known of the run before it serves.
    """

    def __init__(self, path: Path, served: Served, notices: Sequence[str]) -> None:
        self.path, self.notices = path, tuple(notices)
        self.served = served
        self._with_new = lru_cache(maxsize=KEPT_ITEMS)(served.with_items)
        self.understanding, self.ranker, self.blocks = served.understanding, served.ranker, served.blocks

    @classmethod
    def load(cls, run: Path | str, device: torch.device | str = "cpu", data_dir: Path | None = None) -> Self:
        """The policy in a run folder (the epoch that did best in the simulator); raises `InputError` if there is none.

        Args:
            data_dir: where data sets lie, for runs of darlr 0.2, whose folder does not hold what the log's users had.
        """
        folder, place = RunFolder.open(Path(run)), torch.device(device)
        policy = SavedPolicy(folder, place)
        kept, notices = logged_history(folder, policy, data_dir)
        return cls(folder.path, Served(policy, kept, place), notices)

    def with_items(self, items: Sequence[NewItem]) -> Self:
        """The same with items that the log lacks, for all requests; what is strange in them is told in `notices`.

        The world model's prior for items with such categories and features is what is believed of them, and what users give
        other items moves what is expected of these.

        Raises:
            InputError: where the policy can rank no item that its log lacks.
        """
        reader, notes = self.served.new_items, list[str]()
        if reader.refusal is not None:
            raise InputError(f"{self.path}: new items cannot be recommended: {reader.refusal}")
        read = reader.read(items, "the new items", teller("the new items", "new", notes), notes)
        more = len(notes) - MOST_NOTICES
        notices = (*self.notices, *notes[:MOST_NOTICES], *([f"{more:,} more such notes of new items"] if more > 0 else []))
        return type(self)(self.path, self.served.with_items(read.items, standing=True) if read.items else self.served, notices)

    @property
    def user_ids(self) -> Ids:
        """Raw ids of all users of the log."""
        return self.served.policy.user_ids

    @property
    def item_ids(self) -> Ids:
        """Raw ids of the items that can be recommended."""
        return self.served.policy.item_ids[self.served.policy.world_items]

    @property
    def item_features(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the coded and of the numeric features that are read of new items."""
        return self.served.new_items.features

    @property
    def reward_range(self) -> tuple[float, float]:
        """Smallest and largest reward that a user can give."""
        return self.served.policy.reward_range

    def recommend(
        self,
        requests: Sequence[Request],
        count: int = 10,
        on_unknown: OnUnknown = "new",
        diversify: bool = False,
        explain: bool = False,
    ) -> list[Answer]:
        """The `count` items that the policy likes best for each request, best first; all that are left where those are fewer.

        `darlr.data.ids` says which ids are the log's. A user whom the log lacks is served by the features that the request
        tells, where the world model has priors for them, else as the average user.

        Args:
            on_unknown: what becomes of an unknown user, item or feature, see `OnUnknown`; each answer's notes tell of it.
            diversify: whether neighbours in a list do not share categories, as far as users leave over that: no item has a
                category of more than M of the N items before it, the recent ones included (docs/protocol.md, section 1).
            explain: whether items have their `explanation`.

        Raises:
            InputError: naming the request: for rewards that do not match the items or lie outside what a user can give, and for
                an unknown user, item or feature where `on_unknown` is "error".
        """
        require_between("count", count, 1, MOST_COUNT)
        if on_unknown not in get_args(OnUnknown):
            raise unknown("value of on_unknown", str(on_unknown), get_args(OnUnknown))
        groups: dict[Served, tuple[list[int], list[Understood]]] = {}
        for place, request in enumerate(requests):
            served, understood = self.understood(place + 1, request, on_unknown)
            places, group = groups.setdefault(served, ([], []))
            places.append(place)
            group.append(understood)
        answers: dict[int, Answer] = {}
        for served, (places, group) in groups.items():
            answers.update(zip(places, served.answers(group, count, diversify, explain), strict=True))
        return [answers[place] for place in range(len(requests))]

    def score(self, user: Id | Request | None, items: Sequence[Id], on_unknown: OnUnknown = "new") -> Answer:
        """What the policy makes of `items` for a user, in their order; items that it cannot recommend are left out, and noted.

        A `Request` in the place of the user says what is known of the user beside; scores are probabilities among `items`.
        Raises as `recommend` does.
        """
        asked = user if isinstance(user, Request) else Request(user)
        fitted = replace(asked, candidates=items, exclude=(), exclude_seen=False)
        served, understood = self.understood(1, fitted, on_unknown)
        columns = list(dict.fromkeys(understood.candidates or ()))
        if understood.skipped or not columns:
            return Answer(understood.name, (), understood.notes)
        again = replace(understood, repeats=True)
        [answer] = served.answers([again], len(columns), diversify=False, explain=False)
        placed = {entry.item: entry for entry in answer}
        return replace(answer, ranked=tuple(placed[served.item_ids[column]] for column in columns))

    def understood(self, number: int, request: Request, on_unknown: OnUnknown) -> tuple[Served, Understood]:
        """The `number`-th request of a batch, and the policy with the new items that it has; raises as `recommend` does."""
        if not request.new_items:
            return self.served, self.understanding.of(number, request, on_unknown)
        notes: list[str] = []
        place = place_of(number, request)
        read = self.served.new_items.read(request.new_items, place, teller(place, on_unknown, notes), notes)
        served = self._with_new(read.items) if read.items else self.served
        return served, served.understanding.of(number, request, on_unknown, notes, read.left_out)
