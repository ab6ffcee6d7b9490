"""The training loop of the agents that learn from a replay of simulated steps.

A collection is played and added to the replay. Then a gradient step follows for every `steps_per_update` of its
recommendations, each on steps drawn from the whole replay.
"""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from darlr.agents.acting import mask_logits
from darlr.agents.learning import EpochLog
from darlr.agents.offline.policy import Batch, Moments
from darlr.agents.playing import Rollout
from darlr.agents.recommending import EpisodicAgent
from darlr.agents.replaying.policy import ExploringPolicy
from darlr.agents.replaying.replay import EpisodeReplay
from darlr.agents.settings import ReplayConfig
from darlr.rewards.estimates.interface import Estimates
from darlr.simulator.simulator import Simulator, roll_out


class Updates(Protocol):
    """Gradient steps on batches of the replay."""

    def descend(self, batch: Batch, log: EpochLog, generator: torch.Generator) -> None:
        """Take one gradient step on `batch`."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """The state of learning, by name, for a checkpoint."""
        ...

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Continue from the tensors of a checkpoint."""
        ...


class ReplayLearner(EpisodicAgent[Rollout]):
    """Trains an `ExploringPolicy` on its own steps in a simulator.

    Attributes:
        replay: the newest episodes.
    """

    policy: ExploringPolicy

    def __init__(
        self,
        policy: ExploringPolicy,
        updates: Updates,
        simulator: Simulator,
        n_users: int,
        config: ReplayConfig,
        reward_table: Estimates | Tensor | None = None,
    ) -> None:
        """
        Args:
            policy: is trained.
            updates: the gradient steps that change `policy`.
            simulator: plays the episodes.
            n_users: number of the simulator's users.
            config: sizes of the replay and of batches, exploration and the like.
            reward_table: (n_users, n_items) rewards that the simulator pays, if it pays from a table.
        """
        self.policy, self.simulator, self.reward_table = policy, simulator, reward_table
        self._updates, self._n_users, self._config = updates, n_users, config
        device = next(policy.parameters()).device
        self.replay = self._empty_replay(device)

    def _empty_replay(self, device: torch.device) -> EpisodeReplay:
        return EpisodeReplay(self._config.episodes, self.simulator, self._n_users, device)

    @property
    def epsilon(self) -> float:
        """The present probability of a random item: from 1 down to `config.epsilon`, in proportion to the steps played."""
        annealing = self._config.annealing_steps
        done = min(1.0, self.replay.played / annealing) if annealing else 1.0
        return 1.0 + done * (self._config.epsilon - 1.0)

    @torch.no_grad()
    def sample(self, environments: int, generator: torch.Generator) -> Rollout:
        users = torch.randint(self._n_users, (environments,), generator=generator, device=generator.device)
        epsilon = self.epsilon

        def choose(simulator: Simulator) -> Tensor:
            return self.policy.explore(_now(simulator), epsilon, generator)

        return Rollout(roll_out(self.simulator, users, choose, generator))

    def learn(self, rollout: Rollout, rewards: Tensor, log: EpochLog, generator: torch.Generator) -> None:
        """Add a collection to the replay and learn from draws out of it; `rewards` (B, T) are those that the simulator paid."""
        config = self._config
        self.replay.add(rollout.episodes)
        for _ in range(max(1, len(rollout.visits.items) // config.steps_per_update)):
            rows, steps = self.replay.draw(config.batch_size, generator)
            batch = self.replay.batch(rows, steps, config.n_step, config.discount, self.policy.tracker.window)
            self._updates.descend(batch, log, generator)

    def tensors(self) -> dict[str, Tensor]:
        return {**self._updates.tensors(), **self.replay.tensors()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        self._updates.restore({name: tensor for name, tensor in tensors.items() if not name.startswith("replay.")})
        self.replay.restore(tensors)


def _now(simulator: Simulator) -> Moments:
    """The state of the episodes that still run."""
    blocked = simulator.blocked
    blocking = None if blocked is None else mask_logits(torch.zeros_like(blocked, dtype=torch.float32), blocked)
    return Moments(simulator.users, simulator.window, blocking)
