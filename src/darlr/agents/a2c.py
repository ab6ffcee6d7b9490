"""Advantage actor-critic on the simulator (protocol section 6).

Terms: a *collection* runs one episode in each of E environments. An *update* passes once over its steps in shuffled
minibatches. An *epoch* has as many collections as it takes for at least `steps_per_epoch` recommendations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor

from darlr.agents.acting import blocking_items, mask_logits, sample_items
from darlr.agents.actor_critic import actor_critic_loss, descend
from darlr.agents.learning import EpochLog, learned_tensors, restore_learned
from darlr.agents.playing import Player, Rollout
from darlr.agents.policy import ActorCritic
from darlr.agents.recommending import RecommendingAgent
from darlr.agents.returns import generalised_advantages
from darlr.agents.settings import A2CConfig
from darlr.rewards.estimates.interface import Estimates
from darlr.simulator.simulator import Simulator, roll_out
from darlr.world.window import Window


@dataclass(frozen=True)
class ValuedRollout(Rollout):
    """A collection with the critic's values.

    Attributes:
        values: (B, T) of every state, 0 beyond an episode's end.
    """

    values: Tensor


@dataclass(frozen=True)
class Transitions:
    """The steps of a collection, n in all.

    Attributes:
        users, items: (n,) int64.
        window: (n, L) the visible part of the episode before each step.
        blocked_items: (n, T) items that the step must not recommend again, filled up with the column that stands for
            absence. None if repeats are allowed.
        advantages, returns: (n,) float32.
    """

    users: Tensor
    items: Tensor
    window: Window
    blocked_items: Tensor | None
    advantages: Tensor
    returns: Tensor

    def __len__(self) -> int:
        return len(self.users)

    def rows(self, chosen: Tensor) -> Self:
        """The steps at `chosen`, (m,) of the n."""
        picked: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                picked[field.name] = value.rows(chosen) if isinstance(value, Window) else value[chosen]
        return replace(self, **picked)


class ActorCriticPlayer(Player[ValuedRollout]):
    """Draws items from the actor's probabilities, and keeps the critic's values."""

    policy: ActorCritic

    @torch.no_grad()
    def forward(self, episodes: int, generator: torch.Generator) -> ValuedRollout:
        users = self.draw_users(episodes, generator)
        values = torch.zeros(episodes, self.simulator.max_steps, device=users.device)
        weights = self.policy.action_weights()

        def choose(simulator: Simulator) -> Tensor:
            logits, value = self.policy(simulator.users, simulator.window, weights)
            values[simulator.rows, simulator.step_number] = value
            return sample_items(mask_logits(logits, simulator.blocked), generator)

        return ValuedRollout(roll_out(self.simulator, users, choose, generator), values)


class A2C(RecommendingAgent[ValuedRollout]):
    """Trains an `ActorCritic` on episodes from a simulator."""

    policy: ActorCritic

    def __init__(
        self,
        policy: ActorCritic,
        simulator: Simulator,
        n_users: int,
        config: A2CConfig,
        reward_table: Estimates | Tensor | None = None,
    ) -> None:
        """
        Args:
            policy: is trained.
            simulator: plays the episodes.
            n_users: number of the simulator's users.
            config: learning rates, the loss's weights and the like.
            reward_table: (n_users, n_items) r' that the simulator pays, without penalties, if it pays from a table.
        """
        self.policy, self.simulator, self.config = policy, simulator, config
        self.player = ActorCriticPlayer(policy, simulator, n_users)
        self.reward_table = reward_table
        tracked = list(policy.tracker.parameters())
        others = [parameter for name, parameter in policy.named_parameters() if not name.startswith("tracker.")]
        self.optimiser = torch.optim.Adam(
            [
                {"params": others, "lr": config.learning_rate},
                {"params": tracked, "lr": config.tracker_learning_rate},
            ],
            fused=True,
        )

    @property
    def state_size(self) -> int:
        return self.policy.tracker.state_size

    @torch.no_grad()
    def states(self, rollout: ValuedRollout) -> Tensor:
        return self.policy.tracker(rollout.visits.users, rollout.visits.window)  # type: ignore[no-any-return]

    def learn(self, rollout: ValuedRollout, rewards: Tensor, log: EpochLog, generator: torch.Generator) -> None:
        self.update(self.transitions(rollout, rewards), log, generator)

    def transitions(self, rollout: ValuedRollout, rewards: Tensor) -> Transitions:
        """The steps of a collection with their advantages.

        Args:
            rollout: the collection.
            rewards: (B, T), 0 beyond an episode's end.
        """
        episodes, visits, values = rollout.episodes, rollout.visits, rollout.values
        advantages = generalised_advantages(rewards, values, episodes.lengths, self.config.discount, self.config.gae_lambda)
        blocked_items = None
        if not self.simulator.allow_repeats:
            before = torch.arange(rewards.shape[1], device=rewards.device) < visits.step[:, None]
            blocked_items = torch.where(before, episodes.actions[visits.row], self.simulator.absent_item)
        advantage = advantages[visits.row, visits.step]
        return Transitions(
            users=visits.users,
            items=visits.items,
            window=visits.window,
            blocked_items=blocked_items,
            advantages=advantage,
            returns=advantage + values[visits.row, visits.step],
        )

    def update(self, transitions: Transitions, log: EpochLog, generator: torch.Generator) -> None:
        """Pass once over the collection in shuffled minibatches; a remainder joins the last one."""
        order = torch.randperm(len(transitions), generator=generator, device=generator.device)
        for chosen in _minibatches(order, self.config.minibatch_size):
            loss, terms = self.loss(transitions.rows(chosen))
            descend(loss, self.policy, self.optimiser, self.config.max_gradient_norm)
            for name, term in terms.items():
                log.add(f"loss/{name}", term)

    def loss(self, steps: Transitions) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a minibatch (scalar), and its unweighted terms by name."""
        logits, values = self.masked(steps)
        return actor_critic_loss(logits, values, steps.items, steps.advantages, steps.returns, self.config)

    def masked(self, steps: Transitions) -> tuple[Tensor, Tensor]:
        """The policy's logits (n, n_items) before `steps`, -inf where blocked, and the critic's values (n,)."""
        logits, values = self.policy(steps.users, steps.window)
        if steps.blocked_items is not None:
            logits = logits + blocking_items(steps.blocked_items, self.simulator.n_items)
        return logits, values

    def tensors(self) -> dict[str, Tensor]:
        """The learner's state, by name, for a checkpoint."""
        return learned_tensors(self.policy, self.optimiser)

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Continue from the tensors of a checkpoint."""
        restore_learned(tensors, self.policy, self.optimiser)


def _minibatches(order: Tensor, size: int) -> list[Tensor]:
    count = max(1, len(order) // size)
    return [order[k * size : (k + 1) * size if k < count - 1 else len(order)] for k in range(count)]
