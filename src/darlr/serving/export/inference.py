"""The whole computation of a policy for a batch of requests, from indices and rewards to scores, as one traceable module."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from darlr.agents.acting import mask_logits
from darlr.agents.believing.policy import BayesAdaptivePolicy
from darlr.agents.policy import Policy
from darlr.data.catalog import Features
from darlr.run.saved import SavedPolicy
from darlr.run.worlds import lookback_of
from darlr.serving.export.believing import scanning
from darlr.serving.export.users import row_places, users_of
from darlr.world.window import Window, absent_item, start_item

SCORES, PROBABILITIES, EXPECTED_REWARDS = "scores", "probabilities", "expected_rewards"


class Acting(nn.Module):
    """A policy's scores, and the probabilities that its own scorer computes from them."""

    outputs: tuple[str, ...] = (SCORES, PROBABILITIES)

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.policy = policy

    def forward(self, users: Tensor, window: Window, answers: Window, blocked: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs, (B, n_items) each.

        Args:
            users: (B,) rows of the policy.
            window: (B, W) the visible part of the history.
            answers: (B, 1 + L) the same, oldest first, with absence in unused places.
            blocked: (B, n_items) bool.
        """
        scorer = self.policy.scorer()
        scores = scorer(users, window, blocked)
        return scores, scorer.probabilities(scores)


class ActingOnBelief(Acting):
    """A policy that acts on a belief, which observes all visible rewards."""

    policy: BayesAdaptivePolicy

    def __init__(self, policy: BayesAdaptivePolicy) -> None:
        super().__init__(policy)
        if policy.belief.to_reward(torch.zeros(1)) is not None:
            self.outputs = (*Acting.outputs, EXPECTED_REWARDS)

    def forward(self, users: Tensor, window: Window, answers: Window, blocked: Tensor) -> tuple[Tensor, ...]:
        policy = self.policy
        believed = scanning(policy.belief.begin(users)).observe(answers)
        scores = mask_logits(policy.logits(believed, window)[0], blocked)
        expected = policy.belief.to_reward(believed.expect()[0])
        found = (scores, policy.scorer().probabilities(scores))
        return found if expected is None else (*found, expected)


class Inference(nn.Module):
    """A saved policy for B requests.

    Attributes:
        outputs: names of its outputs.
        n_users, n_items: numbers of users of the log, and of items of the world.
        lookback: W, the number of the last rewards that are visible.
        features: F, the number of features of an unknown user that it reads.
    """

    def __init__(self, saved: SavedPolicy, described: Features | None) -> None:
        """
        Args:
            saved: the saved policy.
            described: features of no users, which say how those of users are read; None if the run lacks them.
        """
        super().__init__()
        policy = saved.network(np.zeros(0, np.int64))
        self.acting = ActingOnBelief(policy) if isinstance(policy, BayesAdaptivePolicy) else Acting(policy)
        self.users = users_of(saved, described)
        self.outputs, self.features = self.acting.outputs, self.users.features
        self.n_users, self.n_items = len(saved.user_ids), len(saved.world_items)
        self.lookback = lookback_of(saved.config)
        self._low, self._high = saved.reward_range
        self._places = {name: f"policy.{place}" for name, place in row_places(policy, saved).items()}

    def forward(
        self, user: Tensor, items: Tensor, rewards: Tensor, length: Tensor, blocked: Tensor, features: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Return (B, n_items) each of `outputs`.

        Args:
            user: (B,) int64 indices into the log's users; -1: an unknown user.
            items: (B, L) int64 columns of the world, oldest first; values after a row's length are arbitrary.
            rewards: (B, L) float32 the user's reward for each, in the units of the log.
            length: (B,) int64 the number of items in a row, 0..L.
            blocked: (B, n_items) bool, items that may not be recommended.
            features: (B, F) float32 of unknown users, NaN where unknown.
        """
        rows = self.users(torch.where(user < 0, self.n_users, user), features)
        window, answers = self._visible(items, (rewards - self._low) / (self._high - self._low), length)
        places = {self._places[name]: row for name, row in rows.items()}
        # The batch's rows replace the tables of users, so request k is user k.
        numbers = torch.arange(user.shape[0], device=user.device)
        found: tuple[Tensor, ...] = functional_call(self.acting, places, (numbers, window, answers, blocked))
        return found

    def _visible(self, items: Tensor, rewards: Tensor, length: Tensor) -> tuple[Window, Window]:
        """Return the last W positions (B, W), and the whole history (B, 1 + L) in which earlier positions are absent.

        Args:
            items, rewards: (B, L), rewards in 0..1.
            length: (B,).
        """
        start, absent, ends = start_item(self.n_items), absent_item(self.n_items), length[:, None]
        items = torch.cat([torch.full_like(ends, start), items], dim=1)
        rewards = torch.cat([torch.ones_like(ends, dtype=rewards.dtype), rewards], dim=1)
        places = ends - torch.arange(self.lookback - 1, -1, -1, device=items.device)
        at, there = places.clamp_min(0), places >= 0
        window = Window(torch.where(there, items.gather(1, at), absent), torch.where(there, rewards.gather(1, at), 0.0))
        position = torch.arange(items.shape[1], device=items.device)
        visible = (position <= ends) & (position > ends - self.lookback)
        return window, Window(torch.where(visible, items, absent), torch.where(visible, rewards, 0.0))
