"""Noisy users: the policy sees answers with the log's noise, while the metrics count the true rewards.

The tests' truth pays the same reward every time; real users do not. A policy that relies too much on one answer wins
without noise and loses with it (docs/protocol.md, section 3).
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from darlr.agents.acting import WHOLE_EPISODE, Among, Scorer
from darlr.world.window import Window, absent_item
from darlr.world_model.factors.responses import FactorResponses, ResponseScale


@dataclass(frozen=True)
class AnswerNoise:
    """Noise that is added to the answers of an episode for every user, on the scale of a factor model.

    Attributes:
        scale: converts between rewards and y; its bounds are those that normalise the rewards of windows.
        n_items: number of items of the world.
        added: (n_users, T) float32, added to the y of each user's first T answers.
    """

    scale: ResponseScale
    n_items: int
    added: Tensor

    @classmethod
    def draw(
        cls, responses: FactorResponses, share: float, n_users: int, n_items: int, steps: int, generator: torch.Generator
    ) -> Self:
        """Draw independent normal noise, of variance `share` times that of a logged y.

        Args:
            responses: with the range of the tested world.
            share: the share of the log's noise.
            n_users, n_items: size of the world.
            steps: T.
            generator: on the device of the test.
        """
        normal = torch.randn(n_users, steps, generator=generator, device=generator.device)
        return cls(responses.scale, n_items, normal * (share * responses.log_noise) ** 0.5)

    def to(self, users: Tensor, window: Window) -> Window:
        """Return the `window` (B, L) of `users` (B,), which shows whole episodes, with noisy answers inside the range."""
        # Episodes run in lock-step. After the start, a position without an item is a step at which nothing was chosen.
        begun = window.items[0] != absent_item(self.n_items)
        taken = int(begun.sum()) - 1
        if taken == 0:
            return window
        low, span = self.scale.low, self.scale.high - self.scale.low
        y = self.scale.to_scale(window.rewards[:, -taken:] * span + low) + self.added[users, :taken]
        noisy = (self.scale.to_reward(y) - low) / span
        noisy = torch.where(window.items[:, -taken:] < self.n_items, noisy, window.rewards[:, -taken:])
        return replace(window, rewards=torch.cat([window.rewards[:, :-taken], noisy], dim=1))


class NoisyAnswers(Scorer):
    """Another scorer, which sees noisy answers."""

    lookback = WHOLE_EPISODE

    def __init__(self, scorer: Scorer, noise: AnswerNoise) -> None:
        self._scorer, self._noise = scorer, noise

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return self._scorer(users, self._noise.to(users, window), blocked)

    def among(self, users: Tensor, window: Window) -> Among | None:
        return self._scorer.among(users, self._noise.to(users, window))

    def listed(self, users: Tensor, scores: Tensor, count: int) -> Tensor:
        return self._scorer.listed(users, scores, count)

    def drawn(self, users: Tensor, scores: Tensor, count: int, generator: torch.Generator) -> Tensor:
        return self._scorer.drawn(users, scores, count, generator)

    def probabilities(self, scores: Tensor) -> Tensor:
        return self._scorer.probabilities(scores)
