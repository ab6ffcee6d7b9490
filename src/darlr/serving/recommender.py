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
"""The number of sets of new items whose worlds are cached, because a client tends to ask for the same set again."""
MOST_NOTICES = 5


class Recommender:
    """Ranks items by a run's policy.

    Attributes:
        path: the run folder.
        served: its policy with the items that it ranks.
        notices: lines that should be known about the run before it serves.
    """

    def __init__(self, path: Path, served: Served, notices: Sequence[str]) -> None:
        self.path, self.notices = path, tuple(notices)
        self.served = served
        self._with_new = lru_cache(maxsize=KEPT_ITEMS)(served.with_items)
        self.understanding, self.ranker, self.blocks = served.understanding, served.ranker, served.blocks

    @classmethod
    def load(cls, run: Path | str, device: torch.device | str = "cpu", data_dir: Path | None = None) -> Self:
        """Load the policy in a run folder (from the epoch that did best in the simulator).

        Args:
            run: the run folder.
            device: the device that computes.
            data_dir: the folder of data sets, for runs of darlr 0.2, whose folder does not hold the items of the log's users.

        Raises:
            InputError: if there is no policy.
        """
        folder, place = RunFolder.open(Path(run)), torch.device(device)
        policy = SavedPolicy(folder, place)
        kept, notices = logged_history(folder, policy, data_dir)
        return cls(folder.path, Served(policy, kept, place), notices)

    def with_items(self, items: Sequence[NewItem]) -> Self:
        """Return the same recommender with items that the log lacks, for all requests; `notices` gets notes on them.

        The belief about a new item is the world model's prior for items with such categories and features. The users'
        rewards for other items change its expected reward.

        Raises:
            InputError: if the policy can only rank items of its log.
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
        """(U,) raw ids of all users of the log."""
        return self.served.policy.user_ids

    @property
    def item_ids(self) -> Ids:
        """(n_items,) raw ids of the items that can be recommended."""
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
        """Return the `count` best items for each request, best first; all remaining ones if there are fewer.

        `darlr.data.ids` says which ids match the log's. A user outside the log is served by the features in the request, if
        the world model has priors for them, else as the average user.

        Args:
            requests: the requests.
            count: number of items for each.
            on_unknown: the treatment of an unknown user, item or feature, see `OnUnknown`; each answer's notes mention it.
            diversify: whether to separate items that share categories, as far as users leave over them. No item then has a
                category of more than M of the N items before it, including recent ones (docs/protocol.md, section 1).
            explain: whether items get their `explanation`.

        Raises:
            InputError: naming the request, for rewards that do not match the items or lie outside the users' range. With
                `on_unknown` "error" also for an unknown user, item or feature.
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
        """Return the scores of `items` for a user, in their order; items that it cannot recommend are left out, with a note.

        A `Request` instead of the user id carries further information about the user. Scores are probabilities among `items`.

        Raises:
            InputError: as `recommend`.
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
        """Return the `number`-th request of a batch in the policy's terms, and the policy with the request's new items.

        Raises:
            InputError: as `recommend`.
        """
        if not request.new_items:
            return self.served, self.understanding.of(number, request, on_unknown)
        notes: list[str] = []
        place = place_of(number, request)
        read = self.served.new_items.read(request.new_items, place, teller(place, on_unknown, notes), notes)
        served = self._with_new(read.items) if read.items else self.served
        return served, served.understanding.of(number, request, on_unknown, notes, read.left_out)
