"""Advantage actor-critic on the simulator (protocol section 6).

Glossary: a *collection* runs one episode in each of E environments; an *update* passes once over its steps in shuffled
minibatches; an *epoch* is as many collections as make at least `steps_per_epoch` recommendations.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.acting import mask_logits, sample_items
from darlr.agents.learning import EpochLog, learned_tensors, restore_learned
from darlr.agents.policy import ActorCritic
from darlr.agents.returns import generalised_advantages
from darlr.agents.settings import A2CConfig
from darlr.simulator.simulator import Episodes, Simulator, Visits, roll_out
from darlr.world.window import Window


@dataclass(frozen=True)
class Rollout:
    """A collection as it was sampled.

    Attributes:
        episodes: what happened.
        visits: its steps.
        values: (B, T) the critic's value of every state, 0 beyond an episode's end.
    """

    episodes: Episodes
    visits: Visits
    values: Tensor


@dataclass(frozen=True)
class Transitions:
    """The steps of a collection, n in all.

    Attributes:
        users, items: (n,) int64.
        window: what was visible before each step, (n, L).
        earlier: (n, T) items that the step could not recommend again, filled up with the column that stands for absence;
            None where repeats are allowed.
        advantages, returns: (n,) float32.
    """

    users: Tensor
    items: Tensor
    window: Window
    earlier: Tensor | None
    advantages: Tensor
    returns: Tensor

    def __len__(self) -> int:
        return len(self.users)


class A2C:
    """Learns an `ActorCritic` by collecting episodes in a simulator."""

    def __init__(self, policy: ActorCritic, simulator: Simulator, n_users: int, config: A2CConfig) -> None:
        self.policy, self.simulator, self.config, self.n_users = policy, simulator, config, n_users
        tracked = list(policy.tracker.parameters())
        others = [parameter for name, parameter in policy.named_parameters() if not name.startswith("tracker.")]
        self.optimiser = torch.optim.Adam(
            [
                {"params": others, "lr": config.learning_rate},
                {"params": tracked, "lr": config.tracker_learning_rate},
            ],
            fused=True,
        )

    def epoch(self, environments: int, steps: int, generator: torch.Generator) -> EpochLog:
        """Collect from `environments` at a time and learn, until at least `steps` recommendations were made.

        Args: generator: on the policy's device; draws users, items and minibatches.
        Raises: RunError: if a loss is not finite.
        """
        log = EpochLog()
        while log.steps < steps:
            with log.timed("sampling", generator.device):
                rollout = self.sample(environments, generator)
            with log.timed("learning", generator.device):
                self.update(self.transitions(rollout, rollout.episodes.rewards), log, generator)
                log.count(rollout.visits, environments, rollout.episodes.rewards)
        return log

    @torch.no_grad()
    def sample(self, environments: int, generator: torch.Generator) -> Rollout:
        """One episode for each of `environments` users drawn uniformly with replacement."""
        device = generator.device
        users = torch.randint(self.n_users, (environments,), generator=generator, device=device)
        values = torch.zeros(environments, self.simulator.max_steps, device=device)
        weights = self.policy.action_weights()

        def choose(simulator: Simulator) -> Tensor:
            logits, value = self.policy(simulator.users, simulator.window, weights)
            values[simulator.rows, simulator.step_number] = value
            return sample_items(mask_logits(logits, simulator.blocked), generator)

        episodes = roll_out(self.simulator, users, choose)
        return Rollout(episodes, episodes.visits(), values)

    def transitions(self, rollout: Rollout, rewards: Tensor) -> Transitions:
        """The steps of a collection with their advantages for `rewards` (B, T), 0 beyond an episode's end."""
        episodes, visits, values = rollout.episodes, rollout.visits, rollout.values
        advantages = generalised_advantages(rewards, values, episodes.lengths, self.config.discount, self.config.gae_lambda)
        earlier = None
        if not self.simulator.allow_repeats:
            before = torch.arange(rewards.shape[1], device=rewards.device) < visits.step[:, None]
            earlier = torch.where(before, episodes.actions[visits.row], self.simulator.absent_item)
        advantage = advantages[visits.row, visits.step]
        return Transitions(
            users=visits.users,
            items=visits.items,
            window=visits.window,
            earlier=earlier,
            advantages=advantage,
            returns=advantage + values[visits.row, visits.step],
        )

    def update(self, transitions: Transitions, log: EpochLog, generator: torch.Generator) -> None:
        """One pass over the collection in shuffled minibatches; a remainder joins the last one."""
        order = torch.randperm(len(transitions), generator=generator, device=generator.device)
        for chosen in _minibatches(order, self.config.minibatch_size):
            losses = self._losses(transitions, chosen)
            total = (
                losses["policy"]
                + self.config.value_weight * losses["value"]
                - self.config.entropy_weight * losses.get("entropy", 0.0)
            )
            self.optimiser.zero_grad(set_to_none=True)
            total.backward()  # type: ignore[no-untyped-call]
            if self.config.max_gradient_norm:
                nn.utils.clip_grad_norm_(self.policy.parameters(), self.config.max_gradient_norm)
            self.optimiser.step()
            for name, loss in losses.items():
                log.add(f"loss/{name}", loss)

    def _losses(self, transitions: Transitions, chosen: Tensor) -> dict[str, Tensor]:
        logits, value = self.policy(transitions.users[chosen], transitions.window.rows(chosen))
        if transitions.earlier is not None:
            # Adding -inf costs one pass over the logits and none over their gradients; absence has a spare column of its own.
            mask = logits.new_zeros(len(chosen), self.simulator.absent_item + 1)
            mask.scatter_(1, transitions.earlier[chosen], float("-inf"))
            logits = logits + mask[:, : self.simulator.n_items]
        advantages = transitions.advantages[chosen]
        if self.config.normalise_advantages:
            advantages = (advantages - advantages.mean()) / (advantages.std(correction=0) + 1e-8)
        negative_log_probability = F.cross_entropy(logits, transitions.items[chosen], reduction="none")
        losses = {
            "policy": (negative_log_probability * advantages).mean(),
            "value": F.mse_loss(value, transitions.returns[chosen]),
        }
        if self.config.entropy_weight:
            losses["entropy"] = _entropy(logits).mean()
        return losses

    def tensors(self) -> dict[str, Tensor]:
        """All that goes on with learning, by name."""
        return learned_tensors(self.policy, self.optimiser)

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors()` gave."""
        restore_learned(tensors, self.policy, self.optimiser)


def _minibatches(order: Tensor, size: int) -> list[Tensor]:
    count = max(1, len(order) // size)
    return [order[k * size : (k + 1) * size if k < count - 1 else len(order)] for k in range(count)]


def _entropy(logits: Tensor) -> Tensor:
    """(B,) entropy in nats of softmax(`logits`); masked items count nothing."""
    log_probability = logits.log_softmax(dim=1)
    return -(log_probability.exp() * log_probability.masked_fill(log_probability == float("-inf"), 0.0)).sum(dim=1)
