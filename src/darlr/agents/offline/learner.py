"""The training loop of the offline agents: batches of logged steps, from which `TargetedUpdates` learns."""

import torch
from torch import Tensor

from darlr.agents.learning import EpochLog
from darlr.agents.offline.logged_steps import LoggedSteps
from darlr.agents.offline.policy import OfflinePolicy
from darlr.agents.offline.replay import Replay
from darlr.agents.offline.updates import TargetedUpdates
from darlr.agents.settings import OfflineConfig


class OfflineLearner(TargetedUpdates[OfflinePolicy]):
    """Trains an `OfflinePolicy` on a `Replay`.

    Attributes:
        logged: the logged steps.
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
        self.config = config
        self.logged = LoggedSteps(replay, policy.lookback, config.n_step, config.discount, allow_repeats, policy.normalised)

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
                self.update(self.logged.draw(drawn, generator), log)
                log.steps += drawn * self.policy.sequence
            log.require_finite_losses()
        return log

    def update(self, chosen: Tensor, log: EpochLog) -> None:
        """Take one gradient step on the logged steps `chosen` (B,)."""
        self.descend(self.logged.batch(chosen), log)
