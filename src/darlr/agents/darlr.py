"""DARLR: two agents, and a reward that is rewritten while they learn (Zhang et al., SIGIR 2025, Algorithm 1).

The *recommender* recommends items to users of the simulator. For each of its steps the *selector* picks reference users.
The mean of their estimates for the item is the refined estimate (Eq. 15). The penalty is the change of the estimate divided
by the similarity and diversity of the references (Eq. 16). Both agents learn by advantage actor-critic: the recommender
from the final reward (Eq. 17), the selector from the intrinsic reward of its picks (Eq. 12). Finally the refined estimate
replaces the last one in the table that the simulator pays from.

A whole collection is played on an unchanged table. Then the references of all its steps are selected in one batch. So the
rewards in the recommender's *state* are those before refinement, and those that it *learns from* are refined.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from darlr.agents.learning import EpochLog, below, learned_tensors, restore_learned
from darlr.agents.policy import Policy
from darlr.agents.recommending import RecommendingAgent
from darlr.agents.selector import Selections, Selector
from darlr.agents.settings import SelectorConfig
from darlr.errors import RunError
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import estimates_of
from darlr.rewards.refinement import RefinedReward
from darlr.rewards.settings import RefinementConfig
from darlr.simulator.simulator import Visits


class DARLR:
    """The recommender, the selector, and the reward that the selector refines for the recommender."""

    def __init__(
        self,
        recommender: RecommendingAgent[Any],
        selector: Selector,
        reward: RefinedReward,
        uncertainty: Estimates | Tensor | None,
        uncertainty_weight: float,
        config: RefinementConfig,
    ) -> None:
        """
        Args:
            recommender: the agent that recommends.
            selector: the agent that picks reference users.
            reward: the rewards of the recommender's simulator; learning rewrites them.
            uncertainty: (n_users, n_items) the penalty if `config.penalty` is "static"; otherwise it is not kept.
            uncertainty_weight: lambda_U.
            config: how estimates are refined.

        Raises:
            RunError: if the penalty is static and `uncertainty` is None.
        """
        if config.penalty == "static" and uncertainty is None:
            raise RunError("refinement.penalty is 'static', which needs the world model's uncertainty; found none")
        self.recommender, self.selector, self.reward = recommender, selector, reward
        self._config = config
        self._uncertainty = estimates_of(uncertainty) if config.penalty == "static" and uncertainty is not None else None
        self._uncertainty_weight = uncertainty_weight

    @property
    def policy(self) -> Policy:
        """The recommender's policy."""
        return self.recommender.policy

    @property
    def reward_table(self) -> Estimates:
        """(n_users, n_items) the current r'; learning rewrites it in place."""
        return self.reward.estimates

    def epoch(self, environments: int, steps: int, generator: torch.Generator) -> EpochLog:
        """Run Algorithm 1 until at least `steps` recommendations were made; see `RecommendingAgent.epoch`."""
        log, reward = EpochLog(), self.reward
        while log.steps < steps:
            with log.timed("sampling", generator.device):
                rollout = self.recommender.sample(environments, generator)  # line 8
                visits = rollout.visits
                selections = self.selector.select(visits.users, self.recommender.states(rollout), generator)  # lines 5 to 7
            with log.timed("learning", generator.device):
                last = reward.estimates.cells(visits.users, visits.items)
                estimates = reward.transferred(visits.users, visits.items, selections.references)
                refined = refined_estimate(estimates)  # Eq. 15
                penalty = self._penalty(visits, refined, last, selections)  # Eq. 16
                rewards = rollout.placed(self._final_reward(visits, refined, last, penalty))  # Eq. 17
                self.recommender.learn(rollout, rewards, log, generator)  # lines 9 to 11
                intrinsic = intrinsic_reward(estimates, selections, self.selector.config)  # Eq. 12
                self.selector.update(selections, intrinsic, log, generator)  # lines 9 to 11
                reward.write(visits.users, visits.items, refined)
                self.recommender.rewards_changed()
            log.add("refinement/change", (refined - last).abs().mean())
            log.add("refinement/penalty", penalty.mean())
            log.add("selector/similarity", selections.similarity.mean(dim=1).mean())
            log.add("selector/diversity", selections.diversity.mean(dim=1).mean())
            log.count(visits, environments, rewards)
        return log

    def _penalty(self, visits: Visits, refined: Tensor, last: Tensor, selections: Selections) -> Tensor:
        """Return (n,) P'_U of each visit (Eq. 16), or P_U if the penalty is static."""
        if self._uncertainty is not None:
            return self._uncertainty.cells(visits.users, visits.items)
        similarity, diversity = selections.similarity.mean(dim=1), selections.diversity.mean(dim=1)
        return change_penalty(refined, last, similarity, diversity, self._config.epsilon)

    def _final_reward(self, visits: Visits, refined: Tensor, last: Tensor, penalty: Tensor) -> Tensor:
        """Return (n,) the rewards that the recommender learns from (Eq. 17); a static reward uses the last estimates."""
        estimate = last if self._config.reward == "static" else refined
        return final_reward(estimate, penalty, self._uncertainty_weight, self.reward.extras(visits.items, visits.window))

    def tensors(self) -> dict[str, Tensor]:
        """Return both agents' networks and optimisers, and the table, by name."""
        selector = learned_tensors(self.selector.network, self.selector.optimiser)
        return {
            **self.recommender.tensors(),
            **{f"selector.{name}": tensor for name, tensor in selector.items()},
            **self.reward.estimates.tensors(),
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the state that `tensors()` returned."""
        self.recommender.restore(tensors)
        restore_learned(below("selector.", tensors), self.selector.network, self.selector.optimiser)
        self.reward.estimates.restore(tensors)


def intrinsic_reward(estimates: Tensor, selections: Selections, config: SelectorConfig) -> Tensor:
    """Return r^sel of every pick (Eq. 12), (n, K):

        r^sel = estimate_weight r' + lambda_s r_s + lambda_d r_d

    Args:
        estimates: (n, K) the references' estimates for the item. The paper's r' is the user's own, which is the same for
            all picks of a visit, so that no pick earns more by it. Hence `estimate_weight` is 0 by default
            (docs/methods/darlr.md).
        selections: the picks.
        config: the weights.
    """
    reward = config.estimate_weight * estimates + config.similarity_weight * selections.similarity
    return reward + config.diversity_weight * selections.diversity


def refined_estimate(estimates: Tensor) -> Tensor:
    """Return r'(u, i) of every visit (Eq. 15), (n,): the mean of its K references' `estimates` (n, K) for the item."""
    return estimates.mean(dim=1)


def change_penalty(refined: Tensor, last: Tensor, similarity: Tensor, diversity: Tensor, epsilon: float) -> Tensor:
    """Return P'_U of every visit (Eq. 16), (n,): the change of its estimate, divided by how representative its references are:

        P'_U = |r' - r'_-1| / max(r_s + r_d, epsilon)

    Args:
        refined, last: (n,) r' and r'_-1.
        similarity, diversity: (n,) means of r_s and r_d over the references.
        epsilon: the least divisor.
    """
    return (refined - last).abs() / (similarity + diversity).clamp_min(epsilon)


def final_reward(estimate: Tensor, penalty: Tensor, uncertainty_weight: float, extras: Tensor) -> Tensor:
    """Return r^rec of every visit (Eq. 17), (n,):

        r^rec = r' - lambda_U P'_U + lambda_E P_E - shift

    Args:
        estimate, penalty: (n,) r' and P'_U.
        uncertainty_weight: lambda_U.
        extras: (n,) the last two terms (`TableReward.extras`).
    """
    return estimate - uncertainty_weight * penalty + extras
