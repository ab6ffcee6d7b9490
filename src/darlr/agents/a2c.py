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
from darlr.agents.candidates import Shortlist
from darlr.agents.learning import EpochLog, learned_tensors, restore_learned
from darlr.agents.playing import Player, Rollout
from darlr.agents.policy import ActorCritic
from darlr.agents.recommending import RecommendingAgent
from darlr.agents.returns import generalised_advantages
from darlr.agents.settings import A2CConfig
from darlr.rewards.estimates.interface import Estimates
from darlr.simulator.simulator import Simulator, roll_out
from darlr.world.window import Window, absent_item


@dataclass(frozen=True)
class ValuedRollout(Rollout):
    """A collection with the critic's values.

    Attributes:
        values: (B, T) of every state, 0 beyond an episode's end.
        candidates: (B, k) the items that each episode's policy chose among; None: all items.
        places: (B, T) the place of every step's item among them, `absent_item(k)` beyond an episode's end; None: all items.
    """

    values: Tensor
    candidates: Tensor | None = None
    places: Tensor | None = None


@dataclass(frozen=True)
class Offered:
    """The candidates that n steps chose among: those of their episodes' users.

    Attributes:
        users: (B,) of the episodes.
        listed: the candidates of each.
        row: (n,) the episode of each step.
    """

    users: Tensor
    listed: Shortlist
    row: Tensor

    def rows(self, chosen: Tensor) -> "Offered":
        """The candidates of the steps `chosen`, (m,) of the n."""
        return replace(self, row=self.row[chosen])


@dataclass(frozen=True)
class Transitions:
    """The steps of a collection, n in all.

    An action is the item's column in the world, or its place among the user's candidates if there are any.

    Attributes:
        users, actions: (n,) int64.
        window: (n, L) the visible part of the episode before each step.
        blocked: (n, T) actions that the step must not repeat, filled up with the column that stands for absence. None if
            repeats are allowed.
        advantages, returns: (n,) float32.
        offered: the candidates; None: all items.
    """

    users: Tensor
    actions: Tensor
    window: Window
    blocked: Tensor | None
    advantages: Tensor
    returns: Tensor
    offered: Offered | None

    def __len__(self) -> int:
        return len(self.users)

    def rows(self, chosen: Tensor) -> Self:
        """The steps at `chosen`, (m,) of the n."""
        picked: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                picked[field.name] = value[chosen] if isinstance(value, Tensor) else value.rows(chosen)
        return replace(self, **picked)


class ActorCriticPlayer(Player[ValuedRollout]):
    """Draws items from the actor's probabilities, and keeps the critic's values."""

    policy: ActorCritic

    @torch.no_grad()
    def forward(self, episodes: int, generator: torch.Generator) -> ValuedRollout:
        users = self.draw_users(episodes, generator)
        values = torch.zeros(episodes, self.simulator.max_steps, device=users.device)
        weights = self.policy.action_weights()
        if self.policy.candidates is not None:
            return self._among(users, self.policy.candidates.of(users), values, weights, generator)

        def choose(simulator: Simulator) -> Tensor:
            logits, value = self.policy(simulator.users, simulator.window, weights)
            values[simulator.rows, simulator.step_number] = value
            return sample_items(mask_logits(logits, simulator.blocked), generator)

        return ValuedRollout(roll_out(self.simulator, users, choose, generator), values)

    def _among(
        self, users: Tensor, listed: Shortlist, values: Tensor, weights: tuple[Tensor, Tensor], generator: torch.Generator
    ) -> ValuedRollout:
        """Play one episode for each of `users` (B,), who get candidates `listed` alone; `values` (B, T) are written to."""
        places = torch.full(values.shape, absent_item(listed.items.shape[1]), device=users.device)
        offer, owners = self.policy.offer(users, listed, weights), torch.arange(len(users), device=users.device)

        def choose(simulator: Simulator) -> Tensor:
            nonlocal offer, owners
            rows, step = simulator.rows, simulator.step_number
            if len(rows) < len(owners):
                offer, owners = offer.rows(torch.searchsorted(owners, rows)), rows
            each = torch.arange(len(rows), device=rows.device)
            logits, values[rows, step] = self.policy.among(simulator.users, simulator.window, offer, each)
            place = sample_items(mask_logits(logits, simulator.blocked_at(offer.listed.items)), generator)
            places[rows, step] = place
            return offer.listed.items[each, place]

        return ValuedRollout(roll_out(self.simulator, users, choose, generator), values, listed.items, places)


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
        actions, absent, offered = episodes.actions, self.simulator.absent_item, None
        if (found := self.policy.candidates) is not None and rollout.candidates is not None and rollout.places is not None:
            actions, absent = rollout.places, absent_item(rollout.candidates.shape[1])
            offered = Offered(episodes.users, found.listed(rollout.candidates), visits.row)
        blocked = None
        if not self.simulator.allow_repeats:
            before = torch.arange(rewards.shape[1], device=rewards.device) < visits.step[:, None]
            blocked = torch.where(before, actions[visits.row], absent)
        advantage = advantages[visits.row, visits.step]
        return Transitions(
            users=visits.users,
            actions=actions[visits.row, visits.step],
            window=visits.window,
            blocked=blocked,
            advantages=advantage,
            returns=advantage + values[visits.row, visits.step],
            offered=offered,
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
        return actor_critic_loss(logits, values, steps.actions, steps.advantages, steps.returns, self.config)

    def masked(self, steps: Transitions) -> tuple[Tensor, Tensor]:
        """The policy's logits (n, n_actions) before `steps`, -inf where blocked, and the critic's values (n,)."""
        if (offered := steps.offered) is None:
            logits, values = self.policy(steps.users, steps.window)
        else:
            episodes, owners = torch.unique(offered.row, return_inverse=True)
            offer = self.policy.offer(offered.users[episodes], offered.listed.rows(episodes))
            logits, values = self.policy.among(steps.users, steps.window, offer, owners)
        if steps.blocked is not None:
            logits = logits + blocking_items(steps.blocked, logits.shape[1])
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
