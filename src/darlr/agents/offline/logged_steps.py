"""Logged steps in the form that losses need: moments, items and n-step returns."""

import torch
from torch import Tensor

from darlr.agents.acting import blocking_items
from darlr.agents.offline.policy import Batch, Moments
from darlr.agents.offline.replay import Replay
from darlr.agents.returns import n_step_returns


class LoggedSteps:
    """Makes batches of a `Replay`.

    Attributes:
        replay: the n logged steps.
        returns: (n,) discounted rewards from each step on (see `n_step_returns`).
        following: (n,) int64, the step whose value continues the return.
        discounts: (n,) factor of that value, 0 where the episode ended before.
    """

    def __init__(
        self, replay: Replay, lookback: int, n_step: int, discount: float, allow_repeats: bool, normalised: bool = False
    ) -> None:
        """
        Args:
            replay: the logged steps.
            lookback: number of positions that the policy reads.
            n_step: number of rewards in a return.
            discount: gamma.
            allow_repeats: whether an episode may recommend an item twice; if not, its past items are blocked.
            normalised: whether returns are of rewards in 0..1, normalised by the range that the log declares.
        """
        self.replay, self._lookback = replay, lookback
        self.returns, self.following, self.discounts = n_step_returns(
            replay.seen if normalised else replay.rewards, replay.last, n_step, discount
        )
        self._longest = 0 if allow_repeats else int(replay.step.max())

    def draw(self, size: int, generator: torch.Generator) -> Tensor:
        """Draw steps (size,) uniformly, with replacement."""
        return torch.randint(len(self.replay), (size,), generator=generator, device=generator.device)

    def batch(self, chosen: Tensor) -> Batch:
        """The batch of the steps `chosen` (B,)."""
        return Batch(
            now=self._moments(chosen),
            items=self.replay.items[chosen],
            returns=self.returns[chosen],
            discounts=self.discounts[chosen],
            make_after=lambda: self._moments(self.following[chosen]),
        )

    def _moments(self, chosen: Tensor) -> Moments:
        replay, blocking = self.replay, None
        if self._longest:
            blocking = blocking_items(replay.blocked_items(chosen, self._longest), replay.n_items)
        return Moments(replay.users[chosen], replay.window(chosen, self._lookback), blocking)
