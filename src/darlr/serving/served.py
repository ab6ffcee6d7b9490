"""A policy with the items that it ranks, ready for requests in its own terms."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from darlr.agents.acting import Reasons
from darlr.data.ids import Id
from darlr.run.history import Kept
from darlr.run.saved import SavedPolicy
from darlr.serving.blocks import Block, Blocks
from darlr.serving.features import FeatureReader
from darlr.serving.messages import Answer, Explanation, Moved, Recommendation
from darlr.serving.new_items import DescribedItem, NewItemReader
from darlr.serving.ranking import PLAIN, Ranked, Ranker
from darlr.serving.understanding import Understanding, Understood
from darlr.world_model.factors.model import FactorModel

BLOCK = 4_096
"""The number of requests that are ranked at once; it bounds the memory of a batch."""


class Served:
    """Answers requests by a policy.

    Attributes:
        policy: the policy.
        kept: the part of its log that the run folder keeps; None if there is none.
        understanding, new_items: read requests.
        blocks, ranker: turn them into arrays, and rank items for them.
        item_ids: (n_items,) raw ids of the items that can be recommended, by column of the world.
    """

    def __init__(self, policy: SavedPolicy, kept: Kept | None, device: torch.device, standing: bool = True) -> None:
        """
        Args:
            policy: the policy.
            kept: the part of its log that the run folder keeps.
            device: the device that computes.
            standing: whether one network may be made for all users of the log, instead of one for each block of requests.
        """
        self.policy, self.kept, self._device = policy, kept, device
        population = policy.model.users if isinstance(policy.model, FactorModel) else None
        features = FeatureReader(None if kept is None else kept.user_features, population, "user")
        self.understanding = Understanding(policy, features)
        self.new_items = NewItemReader(policy, kept, self.understanding.items)
        self.ranker = Ranker(policy, features, device, standing)
        history = None if kept is None else kept.history
        self.blocks = Blocks(policy, history, not self.ranker.networks.knows_log, device)
        self.item_ids: list[Id] = policy.item_ids[policy.world_items].tolist()

    def with_items(self, items: tuple[DescribedItem, ...], standing: bool = False) -> "Served":
        """Return the same with more items.

        Raises:
            InputError: if the policy can only rank items of its log.
        """
        return Served(self.new_items.widened(items), self.kept, self._device, standing)

    def answers(self, requests: Sequence[Understood], count: int, diversify: bool, explain: bool) -> list[Answer]:
        """Return an answer to each request."""
        blocks = (requests[start : start + BLOCK] for start in range(0, len(requests), BLOCK))
        return [answer for block in blocks for answer in self._of_block(block, count, diversify, explain)]

    def _of_block(self, requests: Sequence[Understood], count: int, diversify: bool, explain: bool) -> list[Answer]:
        asked = [request for request in requests if not request.skipped]
        served = iter(self._ranked(asked, count, diversify, explain) if asked else [])
        return [Answer(request.name, (), request.notes) if request.skipped else next(served) for request in requests]

    def _ranked(self, requests: Sequence[Understood], count: int, diversify: bool, explain: bool) -> list[Answer]:
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
        """Yield the recommendations of each request."""
        names = self.item_ids
        rows = (ranked.columns.tolist(), ranked.probabilities.tolist(), ranked.rewards.tolist(), ranked.left.tolist())
        for columns, scores, rewards, left in zip(*rows, strict=True):
            triples = zip(columns[:left], scores, rewards, strict=False)
            yield [Recommendation(names[column], score, reward) for column, score, reward in triples]

    def _notes(self, ranked: Ranked, row: int, count: int, diversify: bool) -> Iterator[str]:
        """Yield notes on a list."""
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
            [_explanation(reasons, row, place, block.window.items[row], self.item_ids, request) for place in range(left)]
            for row, (request, left) in enumerate(zip(requests, _shown(ranked), strict=True))
        ]


def _with(entry: Recommendation, explanation: Explanation) -> Recommendation:
    return replace(entry, explanation=explanation)


def _shown(ranked: Ranked) -> list[int]:
    """Return the number of items of each list."""
    return ranked.left.clamp_max(ranked.columns.shape[1]).tolist()


def _explanation(
    reasons: Reasons, row: int, place: int, shown: Tensor, names: Sequence[Id], request: Understood
) -> Explanation:
    """Explain the item at `place` of the list of `row`; shown: (L,) the window's items."""
    changes = reasons.changes[row, :, place]
    moved_by = None
    if len(changes) and changes.abs().max() > 0:
        position = int(changes.abs().argmax())
        reward = request.given[position - len(shown)]
        moved_by = Moved(names[int(shown[position])], reward, float(changes[position]))
    total = float(changes.sum())
    return Explanation(float(reasons.estimates[row, place]), total, float(reasons.penalties[row, place]), moved_by)
