"""Ranking of the policy's best items for a block of requests, optionally as a diverse list."""

from dataclasses import dataclass

import torch
from torch import Tensor

from darlr.agents.acting import Reasons
from darlr.run.saved import SavedPolicy
from darlr.serving.blocks import Block
from darlr.serving.expectations import Expectations
from darlr.serving.features import FeatureReader
from darlr.serving.networks import Asked, Networks
from darlr.simulator.leave import SharedCategory
from darlr.world.window import Window

PLAIN = 0


@dataclass(frozen=True)
class Ranked:
    """The best k items of B requests, best first.

    Attributes:
        columns: (B, k) columns of the world; only the first `left` ones of a row may be recommended.
        probabilities: (B, k) the probability with which the policy would choose each among the items allowed in its place.
        rewards: (B, k) expected rewards, in the units of the log.
        left: (B,) number of items of the world that may be recommended.
        bored: (B,) the first place, counted from 1, at which every remaining item shares a category with earlier ones;
            `PLAIN` if there is none.
    """

    columns: Tensor
    probabilities: Tensor
    rewards: Tensor
    left: Tensor
    bored: Tensor


class Ranker:
    """Ranks items by a run's policy."""

    def __init__(self, policy: SavedPolicy, features: FeatureReader, device: torch.device, standing: bool) -> None:
        """
        Args:
            policy: the saved policy.
            features: reads features of new users.
            device: the device that computes.
            standing: as in `Networks`.
        """
        self.networks = Networks(policy, features, device, standing)
        self._expectations = Expectations(policy, features, device)
        self._low, self._high = policy.reward_range
        leave, self._rule = policy.config.leave, None
        if leave.by == "category":
            self._rule = SharedCategory(policy.membership.to(device), leave.window, leave.tolerance)

    @property
    def window(self) -> int:
        """N, the number of neighbours in a diverse list that must not share categories; 0 if users do not leave over
        categories.
        """
        return 0 if self._rule is None else self._rule.window

    @torch.inference_mode()
    def rank(self, block: Block, count: int, diversify: bool) -> Ranked:
        """Return the best `count` items, or all of the world if there are fewer."""
        asked, blocked = self.networks.of(block), block.blocked
        count = min(count, blocked.shape[1])
        if diversify and self._rule is not None:
            return self._walk(block, asked, count, self._rule)
        scores = asked.scorer(asked.rows, block.window, blocked)
        columns = asked.scorer.listed(asked.rows, scores, count)
        probabilities = asked.scorer.probabilities(scores).gather(1, columns)
        rewards = self._expectations.of(block, asked, columns)
        left = _free(blocked)
        return Ranked(columns, probabilities, rewards, left, torch.full_like(left, PLAIN))

    @torch.inference_mode()
    def reasons(self, block: Block, columns: Tensor) -> Reasons:
        """Return the parts of the expected rewards of the items in `columns` (B, k)."""
        return self._expectations.reasons(block, self.networks.of(block), columns)

    def _walk(self, block: Block, asked: Asked, count: int, rule: SharedCategory) -> Ranked:
        """Build a list like an episode: each place gets the policy's best item over which the user would not leave.

        The user is assumed to give the expected rewards, so that the list does not change the belief.
        """
        window, blocked = block.window, block.blocked.clone()
        left = _free(blocked)
        bored = torch.full_like(left, PLAIN)
        columns, probabilities = [], []
        for place in range(1, count + 1):
            fresh = ~blocked & ~rule.leaves_over(window.last(rule.window).items)
            stuck = ~fresh.any(dim=1)
            bored = torch.where(stuck & (bored == PLAIN) & (place <= left), place, bored)
            allowed = torch.where(stuck[:, None], ~blocked, fresh)
            scores = asked.scorer(asked.rows, window, ~allowed)
            best = scores.argmax(dim=1, keepdim=True)
            columns.append(best)
            probabilities.append(asked.scorer.probabilities(scores).gather(1, best))
            blocked.scatter_(1, best, True)
            given = (self._expectations.of(block, asked, best) - self._low) / (self._high - self._low)
            window = _after(window, best, given.clamp(0.0, 1.0))
        chosen = torch.cat(columns, dim=1)
        rewards = self._expectations.of(block, asked, chosen)
        return Ranked(chosen, torch.cat(probabilities, dim=1), rewards, left, bored)


def _free(blocked: Tensor) -> Tensor:
    """Return (B,) the number of items that are not `blocked` (B, n_items)."""
    # Bytes are added up in less than half the time of truth values.
    return blocked.shape[1] - blocked.view(torch.uint8).sum(dim=1, dtype=torch.int32).long()


def _after(window: Window, items: Tensor, rewards: Tensor) -> Window:
    """Return the window after `items` (B, 1) with `rewards` (B, 1)."""
    return Window(torch.cat([window.items[:, 1:], items], dim=1), torch.cat([window.rewards[:, 1:], rewards], dim=1))
