"""A trained policy that serves: raw ids in, ranked raw ids out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self, get_args

import torch
from torch import Tensor

from darlr.agents.acting import Reasons
from darlr.artifacts import RunFolder
from darlr.config.constraints import require_between
from darlr.data.ids import Id
from darlr.data.log import Ids
from darlr.errors import unknown
from darlr.run.history import logged_history
from darlr.run.saved import SavedPolicy
from darlr.serving.blocks import Block, Blocks
from darlr.serving.features import FeatureReader
from darlr.serving.messages import Answer, Explanation, Moved, OnUnknown, Recommendation, Request
from darlr.serving.ranking import PLAIN, Ranked, Ranker
from darlr.serving.understanding import Understanding, Understood

MOST_COUNT = 1_000_000
BLOCK = 4_096
"""Requests that are ranked together; bounds the memory of a batch."""


class Recommender:
    """Ranks items by a run's policy.

    Attributes:
        path: the run folder.
        notices: what should be known of the run before it serves.
    """

    def __init__(self, folder: RunFolder, device: torch.device, data_dir: Path | None = None) -> None:
        self.path = folder.path
        policy = SavedPolicy(folder, device)
        history, described, self.notices = logged_history(folder, policy, data_dir)
        reader = FeatureReader(described, policy.model)
        self._policy = policy
        self.understanding = Understanding(policy, reader)
        self.ranker = Ranker(policy, reader, device)
        self.blocks = Blocks(policy, history, not self.ranker.networks.knows_log, device)
        self._world_item_ids: list[Id] = self.item_ids.tolist()

    @classmethod
    def load(cls, run: Path | str, device: torch.device | str = "cpu", data_dir: Path | None = None) -> Self:
        """The policy in a run folder (the epoch that did best in the simulator); raises `InputError` if there is none.

        Args: data_dir: where data sets lie, for runs of darlr 0.2, whose folder does not hold what the log's users had.
        """
        return cls(RunFolder.open(Path(run)), torch.device(device), data_dir)

    @property
    def user_ids(self) -> Ids:
        """Raw ids of all users of the log."""
        return self._policy.user_ids

    @property
    def item_ids(self) -> Ids:
        """Raw ids of the items that can be recommended."""
        return self._policy.item_ids[self._policy.world_items]

    @property
    def reward_range(self) -> tuple[float, float]:
        """Smallest and largest reward that a user can give."""
        return self._policy.reward_range

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
        understood = [self.understanding.of(number, request, on_unknown) for number, request in enumerate(requests, start=1)]
        blocks = (understood[start : start + BLOCK] for start in range(0, len(understood), BLOCK))
        return [answer for block in blocks for answer in self._answers(block, count, diversify, explain)]

    def score(self, user: Id | Request | None, items: Sequence[Id], on_unknown: OnUnknown = "new") -> Answer:
        """What the policy makes of `items` for a user, in their order; items that it cannot recommend are left out, and noted.

        A `Request` in the place of the user says what is known of the user beside; scores are probabilities among `items`.
        Raises as `recommend` does.
        """
        asked = user if isinstance(user, Request) else Request(user)
        fitted = replace(asked, candidates=items, exclude=(), exclude_seen=False)
        understood = self.understanding.of(1, fitted, on_unknown)
        columns = list(dict.fromkeys(understood.candidates or ()))
        if understood.skipped or not columns:
            return Answer(understood.name, (), understood.notes)
        [answer] = self._answers([replace(understood, repeats=True)], len(columns), diversify=False, explain=False)
        placed = {entry.item: entry for entry in answer}
        return replace(answer, ranked=tuple(placed[self._world_item_ids[column]] for column in columns))

    def _answers(self, requests: Sequence[Understood], count: int, diversify: bool, explain: bool) -> list[Answer]:
        asked = [request for request in requests if not request.skipped]
        served = iter(self._served(asked, count, diversify, explain) if asked else [])
        return [Answer(request.name, (), request.notes) if request.skipped else next(served) for request in requests]

    def _served(self, requests: Sequence[Understood], count: int, diversify: bool, explain: bool) -> list[Answer]:
        block = self.blocks.of(requests)
        ranked = self.ranker.rank(block, count, diversify)
        explained = self._explained(block, ranked, requests) if explain else None
        answers = []
        for row, (request, entries) in enumerate(zip(requests, self._entries(ranked), strict=True)):
            listed = entries if explained is None else list(map(_with, entries, explained[row]))
            notes = (*request.notes, *self._notes(ranked, row, count, diversify))
            answers.append(Answer(request.name, tuple(listed), notes))
        return answers

    def _entries(self, ranked: Ranked) -> Iterator[list[Recommendation]]:
        """The recommendations of each request."""
        names = self._world_item_ids
        rows = (ranked.columns.tolist(), ranked.probabilities.tolist(), ranked.rewards.tolist(), ranked.left.tolist())
        for columns, scores, rewards, left in zip(*rows, strict=True):
            triples = zip(columns[:left], scores, rewards, strict=False)
            yield [Recommendation(names[column], score, reward) for column, score, reward in triples]

    def _notes(self, ranked: Ranked, row: int, count: int, diversify: bool) -> Iterator[str]:
        """What should be known of a list."""
        left, bored = int(ranked.left[row]), int(ranked.bored[row])
        if left < count:
            yield f"{count:,} items are asked for, and {left:,} are left to recommend"
        if diversify and not self.ranker.window:
            yield "users of this run do not leave over categories, so the list is ranked as it stands"
        if bored != PLAIN:
            yield f"from place {bored:,} on, what is left shares categories with the {self.ranker.window:,} items before it"

    def _explained(self, block: Block, ranked: Ranked, requests: Sequence[Understood]) -> list[list[Explanation]]:
        reasons = self.ranker.reasons(block, ranked.columns)
        return [
            [_explanation(reasons, row, place, block.window.items[row], self._world_item_ids, request) for place in range(left)]
            for row, (request, left) in enumerate(zip(requests, _shown(ranked), strict=True))
        ]


def _with(entry: Recommendation, explanation: Explanation) -> Recommendation:
    return replace(entry, explanation=explanation)


def _shown(ranked: Ranked) -> list[int]:
    """How many items each list has."""
    return ranked.left.clamp_max(ranked.columns.shape[1]).tolist()


def _explanation(
    reasons: Reasons, row: int, place: int, shown: Tensor, names: Sequence[Id], request: Understood
) -> Explanation:
    """Of the item at `place` of the list of `row`; shown: (L,) the window's items."""
    changes = reasons.changes[row, :, place]
    moved_by = None
    if len(changes) and changes.abs().max() > 0:
        position = int(changes.abs().argmax())
        reward = request.given[position - len(shown)]
        moved_by = Moved(names[int(shown[position])], reward, float(changes[position]))
    total = float(changes.sum())
    return Explanation(float(reasons.estimates[row, place]), total, float(reasons.penalties[row, place]), moved_by)
