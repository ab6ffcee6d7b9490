"""The learner of `bayes-adaptive`: advantage actor-critic for a policy of two parameters on a belief.

The equations are numbered in docs/methods/bayes-adaptive.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from darlr.agents.actor_critic import descend
from darlr.agents.believing.policy import BayesAdaptivePolicy
from darlr.agents.believing.recording import Recorder
from darlr.agents.believing.tables import CorrectedTable
from darlr.agents.learning import EpochLog, learned_tensors, restore_learned
from darlr.agents.playing import Player, Rollout
from darlr.agents.recommending import RecommendingAgent
from darlr.agents.returns import generalised_advantages
from darlr.agents.settings import A2CConfig
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import estimates_of
from darlr.rewards.posterior import PosteriorReward
from darlr.simulator.simulator import Simulator, roll_out


@dataclass(frozen=True)
class Collection(Rollout):
    """Sampled episodes and the values to learn from, one entry for each step.

    Attributes:
        summaries: (n, s) summaries of the beliefs.
        log_probabilities: (n,) log probabilities of the recommended items.
        scores: (n, 2) their gradients in log beta and lambda (Eq. 8).
    """

    summaries: Tensor
    log_probabilities: Tensor
    scores: Tensor


class BelievingPlayer(Player[Collection]):
    """Draws items from the policy's probabilities, and records the values to learn from."""

    policy: BayesAdaptivePolicy

    def __init__(
        self, policy: BayesAdaptivePolicy, simulator: Simulator, n_users: int, posterior: PosteriorReward | None
    ) -> None:
        """
        Args:
            policy, simulator, n_users: see `Player`.
            posterior: see `BayesAdaptive`.
        """
        super().__init__(policy, simulator, n_users)
        self._posterior = posterior

    @torch.no_grad()
    def forward(self, episodes: int, generator: torch.Generator) -> Collection:
        users = self.draw_users(episodes, generator)
        if self._posterior is not None:
            self._posterior.redraw(users, generator)
        observes = self._posterior is not None
        recorder = Recorder(self.policy, users, self.simulator.max_steps, observes, generator)
        played = roll_out(self.simulator, users, recorder.choose, generator)
        recorded = (recorder.summaries, recorder.log_probabilities, recorder.scores)
        return Collection(played, *(values[played.taken] for values in recorded))


class BayesAdaptive(RecommendingAgent[Collection]):
    """Learns a `BayesAdaptivePolicy` by collecting episodes in a simulator."""

    policy: BayesAdaptivePolicy

    def __init__(
        self,
        policy: BayesAdaptivePolicy,
        simulator: Simulator,
        posterior: PosteriorReward | None,
        n_users: int,
        config: A2CConfig,
        actor_learning_rate: float,
        reward_table: Estimates | Tensor | None = None,
    ) -> None:
        """
        Args:
            policy: the policy.
            simulator: the simulator; its windows show whole episodes.
            posterior: the simulator's rewards, which are drawn anew before every collection. None: the simulator pays the
                rewards that the policy expects, so feedback carries no information.
            n_users: number of users of the world.
            config: settings of the learner; the learning rate is the critic's.
            actor_learning_rate: learning rate of log beta and lambda.
            reward_table: (n_users, n_items) the simulator's rewards, if it pays from a table.
        """
        if simulator.lookback < simulator.max_steps:
            raise ValueError(f"windows show {simulator.lookback} positions; expected whole episodes, {simulator.max_steps}")
        self.policy, self.simulator, self.config = policy, simulator, config
        self.reward_table = reward_table
        self.rewards_changed()
        self.player = BelievingPlayer(policy, simulator, n_users, posterior)
        actor = [policy.log_sharpness, policy.shared_category_weight]
        self.optimiser = torch.optim.Adam(
            [
                {"params": actor, "lr": actor_learning_rate},
                {"params": list(policy.critic.parameters()), "lr": config.learning_rate},
            ],
            fused=True,
        )

    @property
    def state_size(self) -> int:
        return self.policy.belief.size

    def states(self, rollout: Collection) -> Tensor:
        return rollout.summaries

    def learn(self, rollout: Collection, rewards: Tensor, log: EpochLog, generator: torch.Generator) -> None:
        """Learn from one pass over the collection, in shuffled minibatches of about equal size; `rewards` is (B, T)."""
        advantages, returns = self._advantages(rollout, rewards)
        order = torch.randperm(len(returns), generator=generator, device=generator.device)
        for chosen in order.tensor_split(max(1, len(order) // self.config.minibatch_size)):
            advantage = advantages[chosen]
            if self.config.normalise_advantages:
                advantage = (advantage - advantage.mean()) / (advantage.std(correction=0) + 1e-8)
            values = self.policy.critic(rollout.summaries[chosen], rollout.visits.step[chosen])
            value_loss = F.mse_loss(values, returns[chosen])
            # The value and gradient at the time of sampling (Eq. 8).
            actor = torch.cat([self.policy.log_sharpness, self.policy.shared_category_weight])
            log_probabilities = rollout.log_probabilities[chosen] + rollout.scores[chosen] @ (actor - actor.detach())
            policy_loss = -(log_probabilities * advantage).mean()
            loss = policy_loss + self.config.value_weight * value_loss
            descend(loss, self.policy, self.optimiser, self.config.max_gradient_norm)
            log.add("loss/policy", policy_loss)
            log.add("loss/value", value_loss)
        log.add("policy/sharpness", self.policy.log_sharpness.exp().squeeze())
        log.add("policy/shared_category_weight", self.policy.shared_category_weight.squeeze())

    def rewards_changed(self) -> None:
        """Let a belief that begins from a table begin from the rewritten one."""
        if isinstance(self.policy.belief, CorrectedTable) and self.reward_table is not None:
            self.policy.belief.learn(estimates_of(self.reward_table).table())

    @torch.no_grad()
    def _advantages(self, rollout: Collection, rewards: Tensor) -> tuple[Tensor, Tensor]:
        """Return (n,) advantages and (n,) returns of the steps."""
        visits = rollout.visits
        values = rollout.placed(self.policy.critic(rollout.summaries, visits.step))
        lengths = rollout.episodes.lengths
        advantages = generalised_advantages(rewards, values, lengths, self.config.discount, self.config.gae_lambda)
        advantage = advantages[visits.row, visits.step]
        return advantage, advantage + values[visits.row, visits.step]

    def tensors(self) -> dict[str, Tensor]:
        """Return the state of the policy and of learning, by name."""
        return learned_tensors(self.policy, self.optimiser)

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the state that `tensors()` returned."""
        restore_learned(tensors, self.policy, self.optimiser)
