"""The training loop of the offline agents: batches of logged steps, from which `TargetedUpdates` learns."""

import torch
from torch import Tensor

from darlr.agents.acting import blocking_items
from darlr.agents.learning import EpochLog
from darlr.agents.offline.policy import Batch, Moments, OfflinePolicy
from darlr.agents.offline.replay import Replay
from darlr.agents.offline.updates import TargetedUpdates
from darlr.agents.returns import n_step_returns
from darlr.agents.settings import OfflineConfig


class OfflineLearner(TargetedUpdates):
    """Trains an `OfflinePolicy` on a `Replay`.

    Attributes:
        reward_table: None, because nothing is learned in the simulator.
    """

    reward_table: None = None

    def __init__(self, policy: OfflinePolicy, replay: Replay, config: OfflineConfig, allow_repeats: bool) -> None:
        """
        Args:
            policy: is trained.
            replay: the logged steps.
            config: batch size, learning rate and the like.
            allow_repeats: whether an episode may recommend an item twice; if not, its past items are blocked.
        """
        policy.tracker.requires_grad_(config.learn_tracker)
        policy.read(replay)
        super().__init__(policy, config.learning_rate, config.target_sync)
        self.replay, self.config = replay, config
        self.returns, self.following, self.discounts = n_step_returns(
            replay.seen if policy.normalised else replay.rewards, replay.last, config.n_step, config.discount
        )
        self._longest = 0 if allow_repeats else int(replay.step.max())

    def epoch(self, environments: int, steps: int, generator: torch.Generator) -> EpochLog:
        """Take `config.updates_per_epoch` gradient steps; a logged step counts as a step of learning each time that it is
        drawn.

        Raises:
            RunError: if a loss is not finite.
        """
        log = EpochLog()
        with log.timed("learning", generator.device):
            for _ in range(self.config.updates_per_epoch):
                drawn = max(1, self.config.batch_size // self.policy.sequence)
                chosen = torch.randint(len(self.replay), (drawn,), generator=generator, device=generator.device)
                self.update(chosen, log)
                log.steps += drawn * self.policy.sequence
            log.require_finite_losses()
        return log

    def update(self, chosen: Tensor, log: EpochLog) -> None:
        """Take one gradient step on the logged steps `chosen` (B,)."""
        self.descend(self.batch(chosen), log)

    def batch(self, chosen: Tensor) -> Batch:
        """The batch of the logged steps `chosen` (B,), in the form that the losses need."""
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
        return Moments(replay.users[chosen], replay.window(chosen, self.policy.lookback), blocking)
