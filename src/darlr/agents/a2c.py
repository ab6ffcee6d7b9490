"""Advantage actor-critic on the simulator (protocol section 6).

Glossary: a *collection* runs one episode in each of E environments; an *update* passes once over its steps in shuffled
minibatches; an *epoch* is as many collections as make at least `steps_per_epoch` recommendations.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.acting import mask_logits, sample_items
from darlr.agents.policy import ActorCritic
from darlr.agents.returns import generalised_advantages
from darlr.config.schema import A2CConfig
from darlr.errors import RunError
from darlr.rewards.source import Window
from darlr.simulator.simulator import Episodes, Simulator, roll_out


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


@dataclass
class EpochLog:
    """Sums over an epoch; `metrics()` turns them into the epoch's record."""

    steps: int = 0
    episodes: int = 0
    updates: int = 0
    reward: float = 0.0
    losses: dict[str, Tensor | float] = field(default_factory=dict)
    sampling_seconds: float = 0.0
    learning_seconds: float = 0.0

    def metrics(self) -> dict[str, float]:
        return {
            "train/steps": self.steps,
            "train/r_tra": self.reward / self.episodes,
            "train/length": self.steps / self.episodes,
            **{f"loss/{name}": float(total) / self.updates for name, total in self.losses.items()},
            "seconds/sampling": self.sampling_seconds,
            "seconds/learning": self.learning_seconds,
        }


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
            started = time.perf_counter()
            transitions, episodes = self.collect(environments, generator)
            collected = time.perf_counter()
            self.update(transitions, log, generator)
            log.learning_seconds += time.perf_counter() - collected
            log.sampling_seconds += collected - started
            log.steps += len(transitions)
            log.episodes += environments
            log.reward += float(episodes.rewards.sum())
            for name, total in log.losses.items():
                if not math.isfinite(total):
                    raise RunError(f"the {name} loss is {float(total) / log.updates}; stopped")
        return log

    @torch.no_grad()
    def collect(self, environments: int, generator: torch.Generator) -> tuple[Transitions, Episodes]:
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
        return self._transitions(episodes, values), episodes

    def _transitions(self, episodes: Episodes, values: Tensor) -> Transitions:
        advantages = generalised_advantages(
            episodes.rewards, values, episodes.lengths, self.config.discount, self.config.gae_lambda
        )
        row, step = episodes.taken.nonzero(as_tuple=True)
        windows = episodes.windows()
        earlier = None
        if not self.simulator.allow_repeats:
            before = torch.arange(episodes.rewards.shape[1], device=row.device) < step[:, None]
            earlier = torch.where(before, episodes.actions[row], self.simulator.absent_item)
        advantage = advantages[row, step]
        return Transitions(
            users=episodes.users[row],
            items=episodes.actions[row, step],
            window=Window(windows.items[row, step], windows.rewards[row, step]),
            earlier=earlier,
            advantages=advantage,
            returns=advantage + values[row, step],
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
            log.updates += 1
            for name, loss in losses.items():
                log.losses[name] = log.losses.get(name, 0.0) + loss.detach()

    def _losses(self, transitions: Transitions, chosen: Tensor) -> dict[str, Tensor]:
        logits, value = self.policy(transitions.users[chosen], transitions.window.rows(chosen))
        if transitions.earlier is not None:
            earlier = transitions.earlier[chosen]
            rows, places = (earlier != self.simulator.absent_item).nonzero(as_tuple=True)
            logits = logits.index_put_((rows, earlier[rows, places]), logits.new_tensor(float("-inf")))
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
        """All that goes on with learning: the policy's parameters and the optimiser's moments, by name."""
        moments = self.optimiser.state_dict()["state"]
        return {
            **{f"policy.{name}": tensor for name, tensor in self.policy.state_dict().items()},
            **{f"optimiser.{index}.{name}": tensor for index, state in moments.items() for name, tensor in state.items()},
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors()` gave."""
        device = next(self.policy.parameters()).device
        self.policy.load_state_dict(_below("policy.", tensors))
        moments: dict[int, dict[str, Tensor]] = {}
        for key, tensor in _below("optimiser.", tensors).items():
            index, name = key.split(".")
            moments.setdefault(int(index), {})[name] = tensor.to(device)
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": moments})


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _minibatches(order: Tensor, size: int) -> list[Tensor]:
    count = max(1, len(order) // size)
    return [order[k * size : (k + 1) * size if k < count - 1 else len(order)] for k in range(count)]


def _entropy(logits: Tensor) -> Tensor:
    """(B,) entropy in nats of softmax(`logits`); masked items count nothing."""
    log_probability = logits.log_softmax(dim=1)
    return -(log_probability.exp() * log_probability.masked_fill(log_probability == float("-inf"), 0.0)).sum(dim=1)
