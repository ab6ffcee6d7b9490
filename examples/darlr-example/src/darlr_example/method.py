"""Vanilla policy gradients (Williams, 1992) with the mean return as the baseline. This file has everything that an author
writes.

A method has three parts: settings, an agent that learns, and a `Method` that describes both to darlr. Sweeps, studies,
reports, `darlr config` and `darlr recommend` then work with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from darlr.agents.acting import mask_logits, sampled
from darlr.agents.learning import EpochLog, Learner, learned_tensors, restore_learned
from darlr.agents.policy import ActorCritic, Policy
from darlr.agents.returns import generalised_advantages
from darlr.config.constraints import Section, Setting
from darlr.methods.parts import LearnerParts
from darlr.methods.simulated import Simulated
from darlr.rewards.estimates.interface import Estimates
from darlr.simulator.simulator import Episodes, Simulator, Visits, roll_out


# 1. Settings. The texts and limits show in `darlr config --method vanilla-pg`; values outside are refused in one line.
@dataclass(frozen=True)
class VanillaConfig(Section):
    """Settings of vanilla policy gradients."""

    KEY: ClassVar[str] = "vanilla_pg"

    learning_rate: Annotated[float, Setting("step size of Adam", above=0)] = 0.01
    discount: Annotated[float, Setting("gamma, weight of a reward one step later", at_least=0, at_most=1)] = 0.9


# 2. The agent. `epoch` plays in the simulator, which pays the run's reward, and learns; the rest is saving and resuming.
class VanillaAgent:
    def __init__(self, policy: ActorCritic, simulator: Simulator, reward_table: Estimates, config: VanillaConfig) -> None:
        self.policy, self.simulator, self.config = policy, simulator, config
        self.reward_table = reward_table  # (n_users, n_items) what is learned from: darlr measures its error
        self.optimiser = torch.optim.Adam(policy.parameters(), config.learning_rate)

    def epoch(self, environments: int, steps: int, generator: torch.Generator) -> EpochLog:
        log = EpochLog()
        while log.steps < steps:
            users = torch.randint(len(self.reward_table), (environments,), generator=generator, device=generator.device)
            episodes = roll_out(self.simulator, users, sampled(self.policy.scorer(), generator), generator)
            visits, no_values = episodes.visits(), torch.zeros_like(episodes.rewards)
            returns = generalised_advantages(episodes.rewards, no_values, episodes.lengths, self.config.discount, 1.0)
            advantages = returns[visits.row, visits.step] - returns[visits.row, visits.step].mean()
            logits, _ = self.policy(visits.users, visits.window)
            chosen = F.cross_entropy(mask_logits(logits, self.had(episodes, visits)), visits.items, reduction="none")
            loss = (chosen * advantages).mean()  # chosen is -log pi(a | s)
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            log.add("loss/policy", loss)
            log.count(visits, environments, episodes.rewards)
        return log

    def had(self, episodes: Episodes, visits: Visits) -> Tensor | None:
        """Return (n, n_items) bool: the items that each step could not recommend again."""
        if self.simulator.allow_repeats:
            return None
        before = torch.arange(episodes.rewards.shape[1], device=visits.step.device) < visits.step[:, None]
        earlier = torch.where(before, episodes.actions[visits.row], self.simulator.absent_item)
        had = torch.zeros(len(earlier), self.simulator.absent_item + 1, dtype=torch.bool, device=earlier.device)
        return had.scatter_(1, earlier, True)[:, : self.simulator.n_items]

    def tensors(self) -> dict[str, Tensor]:
        return learned_tensors(self.policy, self.optimiser)

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        restore_learned(tensors, self.policy, self.optimiser)


# 3. The method. `Simulated` builds darlr's network over the run's state tracker; only the learner is ours.
@dataclass(frozen=True, kw_only=True)
class VanillaMethod(Simulated):
    def learner(self, parts: LearnerParts, policy: Policy) -> Learner:
        assert isinstance(policy, ActorCritic)  # which is what `Simulated.policy` gives
        simulator = parts.world.simulator(parts.config, parts.world.reward, parts.ways, parts.lookback)
        return VanillaAgent(policy, simulator, parts.world.learned, parts.config.own(VanillaConfig))


VANILLA_PG = VanillaMethod(
    name="vanilla-pg",
    summary="policy gradients with the mean return as the baseline",
    source="Williams, 1992",
    reads=(VanillaConfig,),
    published={"": {"reward": {"uncertainty_weight": 0.05}}},
    space={"vanilla_pg.learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}, "vanilla_pg.discount": [0, 0.5, 0.9]},
)
