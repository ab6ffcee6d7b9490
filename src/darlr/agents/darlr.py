"""DARLR: two agents and a reward that is rewritten while it is learned (Zhang et al., SIGIR 2025, Algorithm 1).

The *recommender* recommends items to users of the simulator. For each of its steps the *selector* picks reference users, whose
estimates for the item are averaged into a refined one (Eq. 15), which is written to the reward table. How much the estimate
changed, over how similar and diverse the references are, is the penalty (Eq. 16). Both agents learn by advantage actor-critic.

A collection is rolled out on the table as it stands; the selections of all its steps are then made in one batch, before the
recommender is paid. So within a collection the rewards in the recommender's *state* are those from before its refinement; what
it *learns from* is the refined reward (Eq. 17).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from darlr.agents.a2c import A2C
from darlr.agents.learning import EpochLog, below, learned_tensors, restore_learned
from darlr.agents.policy import ActorCritic
from darlr.agents.selector import Selections, Selector
from darlr.errors import RunError
from darlr.rewards.refinement import RewardTable, change_penalty
from darlr.rewards.settings import RefinementConfig
from darlr.rewards.table import TableReward
from darlr.simulator.simulator import Episodes, Visits


class DARLR:
    """Recommender and selector, and the reward table between them."""

    def __init__(
        self,
        recommender: A2C,
        selector: Selector,
        table: RewardTable,
        reward: TableReward,
        uncertainty: Tensor | None,
        uncertainty_weight: float,
        config: RefinementConfig,
    ) -> None:
        """Args:
        reward: whose entropy term and shift are paid beside the refined estimates; the recommender's simulator pays the same
            over `table.current`, so that what is written is paid from then on.
        uncertainty: (n_users, n_items) the penalty where `config.penalty` is "static"; otherwise it is not kept.
        uncertainty_weight: lambda_U.

        Raises:
            RunError: if the penalty is static and `uncertainty` is None.
        """
        if config.penalty == "static" and uncertainty is None:
            raise RunError("refinement.penalty is 'static', which needs the world model's uncertainty; found none")
        self.recommender, self.selector, self.table = recommender, selector, table
        self._reward, self._config = reward, config
        self._uncertainty = uncertainty if config.penalty == "static" else None
        self._uncertainty_weight = uncertainty_weight

    @property
    def policy(self) -> ActorCritic:
        return self.recommender.policy

    def epoch(self, environments: int, steps: int, generator: torch.Generator) -> EpochLog:
        """Algorithm 1, until at least `steps` recommendations were made; see `A2C.epoch`."""
        log = EpochLog()
        while log.steps < steps:
            with log.timed("sampling", generator.device):
                rollout = self.recommender.sample(environments, generator)  # line 8
                visits = rollout.visits
                with torch.no_grad():
                    states = self.policy.tracker(visits.users, visits.window)
                selections = self.selector.select(visits.users, states, generator)  # lines 5 to 7
            with log.timed("learning", generator.device):
                estimates = self.table.transferred(visits.users, visits.items, selections.references)
                rewards = self._pay(rollout.episodes, visits, selections, estimates, log)
                self.recommender.update(self.recommender.transitions(rollout, rewards), log, generator)  # lines 9 to 11
                self._update_selector(visits.users, states, selections, estimates, log, generator)  # the same lines
                log.count(visits, environments, rewards)
        return log

    def _pay(self, episodes: Episodes, visits: Visits, selections: Selections, estimates: Tensor, log: EpochLog) -> Tensor:
        """(B, T) the final reward (Eq. 17) of every step, after the refined estimates were written to the table."""
        refined = self.table.refine(visits.users, visits.items, estimates)
        similarity, diversity = selections.similarity.mean(dim=1), selections.diversity.mean(dim=1)
        if self._uncertainty is None:
            penalty = change_penalty(refined.changes, similarity, diversity, self._config.epsilon)
        else:
            penalty = self._uncertainty[visits.users, visits.items]
        self.table.write(visits.users, visits.items, refined.estimates)
        rewards = torch.zeros_like(episodes.rewards)
        rewards[visits.row, visits.step] = (
            refined.estimates - self._uncertainty_weight * penalty + self._reward.extras(visits.items, visits.window)
        )
        log.add("refinement/change", refined.changes.mean())
        log.add("refinement/penalty", penalty.mean())
        log.add("selector/similarity", similarity.mean())
        log.add("selector/diversity", diversity.mean())
        return rewards

    def _update_selector(
        self,
        users: Tensor,
        states: Tensor,
        selections: Selections,
        estimates: Tensor,
        log: EpochLog,
        generator: torch.Generator,
    ) -> None:
        """Train the selector on a bounded sample of the collection's visits: they are many, and much alike."""
        limit = self.selector.config.training_visits or len(users)
        chosen = torch.randperm(len(users), generator=generator, device=users.device)[:limit]
        self.selector.update(users[chosen], states[chosen], selections.rows(chosen), estimates[chosen], log)

    def tensors(self) -> dict[str, Tensor]:
        """Both agents' networks and optimisers, and the table."""
        selector = learned_tensors(self.selector.network, self.selector.optimiser)
        return {
            **self.recommender.tensors(),
            **{f"selector.{name}": tensor for name, tensor in selector.items()},
            "table": self.table.current,
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors()` gave."""
        self.recommender.restore(tensors)
        restore_learned(below("selector.", tensors), self.selector.network, self.selector.optimiser)
        self.table.current.copy_(tensors["table"])
