"""The reference code's slips in acting and learning, for comparison with published numbers alone (docs/reference_quirks.md)."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar, cast

import torch
from torch import Tensor

from darlr.agents.a2c import A2C, ValuedRollout
from darlr.agents.acting import Scorer, mask_logits
from darlr.agents.learning import EpochLog
from darlr.agents.offline.policy import Moments, OfflinePolicy, StateScorer, without_blocked
from darlr.agents.offline.replay import Replay
from darlr.agents.static.policy import StaticPolicy, StaticScorer
from darlr.methods.bcq import BCQ, likely_items
from darlr.methods.cql import CQL
from darlr.methods.crr import CRR
from darlr.methods.sqn import SQN
from darlr.references.simulator import drawing_from, normalised_start
from darlr.world.window import Window

Kind = TypeVar("Kind", bound=OfflinePolicy)


class ReferenceA2C(A2C):
    """A2C that recomputes the values before learning; the state of an episode's first step is a different one then (section 2).

    While it learns, its tracker applies dropout, even to the states in which items are chosen.
    """

    def epoch(self, environments: int, steps: int, generator: torch.Generator) -> EpochLog:
        self.policy.tracker.train()
        with drawing_from(generator):
            log = super().epoch(environments, steps, generator)
        self.policy.tracker.eval()
        return log

    @torch.no_grad()
    def sample(self, environments: int, generator: torch.Generator) -> ValuedRollout:
        rollout = super().sample(environments, generator)
        visits = rollout.visits
        _, values = self.policy(visits.users, visits.window)
        rollout.values[visits.row, visits.step] = values
        return rollout


def mask_or_ones(scores: Tensor, blocked: Tensor | None) -> Tensor:
    """Return `scores` with the reference code's mask (section 3): -inf where `blocked`, and 1 elsewhere in some rows.

    Those are the rows whose other scores add up to 0 or less. Nothing is masked at an episode's first step. Among ones, the
    lowest free column counts as the greatest, and all free columns are equally likely.

    Args:
        scores, blocked: (B, n_items).
    """
    if blocked is None:
        return scores
    left = scores.masked_fill(blocked, 0.0).sum(dim=1, keepdim=True)
    return mask_logits(torch.where(blocked.any(dim=1, keepdim=True) & (left <= 0), 1.0, scores), blocked)


class _OnesScorer(StateScorer):
    @torch.no_grad()
    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return mask_or_ones(self.policy.scores(Moments(users, window, None)), blocked)


class _OnesSQN(SQN):
    def scorer(self) -> Scorer:
        return _OnesScorer(self)


class _OnesCQL(CQL):
    def scorer(self) -> Scorer:
        return _OnesScorer(self)


class _OnesCRR(CRR):
    def scorer(self) -> Scorer:
        return _OnesScorer(self)


class LowestLikelyBCQ(BCQ):
    """BCQ that takes the lowest column among the likely items, in acting and in targets.

    The reference code subtracts infinity times 0, which is NaN, from the values of likely items; the first NaN counts as
    the greatest.
    """

    def preferences(self, values: Tensor, imitation: Tensor, blocking: Tensor | None) -> Tensor:
        likely = likely_items(mask_or_ones(imitation, None if blocking is None else blocking < 0), self._threshold)
        return without_blocked(likely.to(values.dtype), blocking)


_OFFLINE: Mapping[type[OfflinePolicy], type[OfflinePolicy]] = MappingProxyType(
    {SQN: _OnesSQN, BCQ: LowestLikelyBCQ, CQL: _OnesCQL, CRR: _OnesCRR}
)


def as_references_act(kind: type[Kind]) -> type[Kind]:
    """Return the offline policy of the given kind with the references' mask; a kind that they lack acts like darlr's own."""
    return cast(type[Kind], _OFFLINE.get(kind, kind))


def as_references_see(replay: Replay) -> Replay:
    """Return the logged steps with rewards normalised by the range that occurs in the log, and so the start item's reward 1
    (section 2).
    """
    low, high = float(replay.rewards.min()), float(replay.rewards.max())
    return replace(replay, seen=(replay.rewards - low) / (high - low), start_reward=normalised_start(low, high))


class FirstStepBonus(StaticPolicy):
    """A static policy whose bonus counts at an episode's first step alone, if repeats are not allowed (section 8)."""

    def scorer(self) -> Scorer:
        return _FirstStepScorer(self)


class _FirstStepScorer(StaticScorer):
    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        if blocked is None:
            return super().__call__(users, window)
        first = window.items[:, -1:] == blocked.shape[1]  # the start item
        return mask_logits(self.policy.estimates[users] + self.policy.bonus * first, blocked)
