"""The training loop of the offline agents: batches of logged steps, one loss, a target network that follows now and then."""

from collections.abc import Mapping
from copy import deepcopy

import torch
from torch import Tensor

from darlr.agents.acting import blocking_items
from darlr.agents.learning import EpochLog, below, learned_tensors, restore_learned
from darlr.agents.offline.policy import Batch, Moments, OfflinePolicy
from darlr.agents.offline.replay import Replay
from darlr.agents.returns import n_step_returns
from darlr.agents.settings import OfflineConfig
from darlr.artifacts.schema import require_alike


class OfflineLearner:
    """Learns an `OfflinePolicy` from a `Replay`.

    Attributes:
        reward_table: None, since nothing is learned in the simulator.
        updates: gradient steps so far.
        target: the policy as it was at the last multiple of `config.target_sync` updates.
    """

    reward_table: None = None

    def __init__(self, policy: OfflinePolicy, replay: Replay, config: OfflineConfig, allow_repeats: bool) -> None:
        """Args: allow_repeats: whether an episode may recommend an item twice; if not, what it has had is blocked."""
        self.policy, self.replay, self.config = policy, replay, config
        paid = replay.seen if policy.normalised else replay.rewards
        self.returns, self.following, self.discounts = n_step_returns(paid, replay.last, config.n_step, config.discount)
        policy.read(replay)
        self.updates = 0
        policy.tracker.requires_grad_(config.learn_tracker)
        self.target = deepcopy(policy).requires_grad_(False)
        self.optimiser = torch.optim.Adam(
            [parameter for parameter in policy.parameters() if parameter.requires_grad], lr=config.learning_rate, fused=True
        )
        self._longest = 0 if allow_repeats else int(replay.step.max())

    def epoch(self, environments: int, steps: int, generator: torch.Generator) -> EpochLog:
        """`config.updates_per_epoch` gradient steps; a step learned from is a logged one, each time that it is drawn.

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
        """One gradient step on the logged steps `chosen` (B,)."""
        if self.updates % self.config.target_sync == 0:
            self.target.load_state_dict(self.policy.state_dict())
        self.updates += 1
        loss, parts = self.policy.losses(self.batch(chosen), self.target)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        for name, part in parts.items():
            log.add(f"loss/{name}", part)

    def batch(self, chosen: Tensor) -> Batch:
        """The logged steps `chosen` (B,) as the losses want them."""
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

    def tensors(self) -> dict[str, Tensor]:
        """All that goes on with learning, by name."""
        return {
            **learned_tensors(self.policy, self.optimiser),
            **{f"target.{name}": tensor for name, tensor in self.target.state_dict().items()},
            "updates": torch.tensor(self.updates),
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors()` gave."""
        restore_learned(tensors, self.policy, self.optimiser)
        require_alike(below("target.", tensors), self.target.state_dict())
        self.target.load_state_dict(below("target.", tensors))
        self.updates = int(tensors["updates"])
