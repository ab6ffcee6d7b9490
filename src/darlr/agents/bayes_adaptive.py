"""`bayes-adaptive`: a policy of two parameters on an exact belief, learned by A2C among users drawn from the log's posterior.

The equations are numbered in docs/methods/bayes-adaptive.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.acting import Scorer, draw_items, mask_logits
from darlr.agents.belief import Belief, Believed
from darlr.agents.learning import EpochLog, learned_tensors, restore_learned
from darlr.agents.networks.encoder import initialise_linear
from darlr.agents.policy import Policy
from darlr.agents.returns import generalised_advantages
from darlr.agents.settings import A2CConfig
from darlr.rewards.posterior import PosteriorReward
from darlr.simulator.simulator import Episodes, Simulator, Visits, roll_out
from darlr.world.categories import CategoryMemory
from darlr.world.window import Window


class BayesAdaptivePolicy(Policy):
    """pi(i) proportional to exp(beta (r'(i) + lambda [i shares a category with one of the last N])), r' as believed (Eq. 5).

    Attributes:
        belief: what the feedback of an episode says of its user; rebuilt from the world model, not saved.
        log_sharpness, shared_category_weight: (1,) log beta and lambda; 0 both before learning.
        critic: values states (Eq. 7).
    """

    def __init__(
        self,
        belief: Belief,
        membership: Tensor,
        category_window: int,
        max_steps: int,
        paid_range: tuple[float, float],
        critic_size: int,
        generator: torch.Generator,
    ) -> None:
        """Args:
        membership: (n_items, C), which item has which category.
        category_window: N; 0 where users do not leave over categories.
        max_steps: T, the longest episode.
        paid_range: smallest and largest reward.
        generator: draws the critic's weights, on the CPU.
        """
        super().__init__()
        self.belief = belief
        self.categories = CategoryMemory(membership)
        self.category_window = category_window
        self.log_sharpness = nn.Parameter(torch.zeros(1))
        self.shared_category_weight = nn.Parameter(torch.zeros(1))
        self.critic = Critic(belief.size, max_steps, paid_range, critic_size, generator)

    def logits(self, believed: Believed, window: Window, into: "Buffers | None" = None) -> tuple[Tensor, Tensor | None, Tensor]:
        """Logits (B, n_items), shares (B, n_items) of 0 and 1, and the belief's summary (B, s).

        Shares say which item has a category of one of the last N; None where users do not leave over categories.

        Args: into: where the matrices are to lie; anew without.
        """
        logits, summary = believed.expect(None if into is None else into.logits)
        shares = None
        if self.category_window:
            counts = self.categories.counts(window.last(self.category_window).items)
            shares = torch.mm(counts, self.categories.membership.T, out=None if into is None else into.shares).clamp_(max=1.0)
            logits.addcmul_(shares, self.shared_category_weight)
        return logits.mul_(self.log_sharpness.exp()), shares, summary

    def scorer(self) -> Scorer:
        return _BeliefScorer(self)

    def average_user(self) -> dict[str, Tensor]:
        return self.belief.average_user()

    def append_user(self, rows: Mapping[str, Tensor]) -> None:
        self.belief.append_user(rows)


class Critic(nn.Module):
    """What the rest of an episode pays: a share of the paid range for each step that is left, by a small network."""

    def __init__(
        self, size: int, max_steps: int, paid_range: tuple[float, float], hidden: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.max_steps = max_steps
        self.low, self.high = min(0.0, paid_range[0]), max(0.0, paid_range[1])  # who leaves gives nothing
        self.network = nn.Sequential(nn.Linear(size + 1, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        for layer in self.network:
            if isinstance(layer, nn.Linear):
                initialise_linear(layer, generator)

    def forward(self, summary: Tensor, steps: Tensor) -> Tensor:
        """(n,) values of states with `summary` (n, s) and `steps` (n,) behind them."""
        inputs = torch.cat([summary, (steps / self.max_steps)[:, None]], dim=1)
        a_step: Tensor = self.low + (self.high - self.low) * self.network(inputs).squeeze(1).sigmoid()
        return a_step * (self.max_steps - steps)


class _BeliefScorer(Scorer):
    """A policy's logits; a window must show the whole episode."""

    def __init__(self, policy: BayesAdaptivePolicy) -> None:
        self._policy = policy

    @torch.no_grad()
    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        logits, _, _ = self._policy.logits(self._policy.belief.begin(users).observe(window), window)
        return mask_logits(logits, blocked)


BLOCKED = -1e9
"""Added to the logits of blocked items: their probability is exactly 0, and so is what they add to a mean."""


@dataclass(frozen=True)
class Collection:
    """Episodes that were sampled, and what is learned from. All but the first two are (n, ...), one entry a step.

    Attributes:
        episodes, visits: what happened.
        summaries: (n, s) of what was believed.
        log_probabilities: (n,) of the items recommended.
        scores: (n, 2) their gradients in log beta and lambda (Eq. 8).
    """

    episodes: Episodes
    visits: Visits
    summaries: Tensor
    log_probabilities: Tensor
    scores: Tensor


class BayesAdaptive:
    """Learns a `BayesAdaptivePolicy` by collecting episodes in a simulator."""

    def __init__(
        self,
        policy: BayesAdaptivePolicy,
        simulator: Simulator,
        posterior: PosteriorReward | None,
        n_users: int,
        config: A2CConfig,
    ) -> None:
        """Args: posterior: what the simulator pays, to be drawn anew before every collection; None where it stays as it is."""
        self.policy, self.simulator, self.config = policy, simulator, config
        self._posterior, self._n_users = posterior, n_users
        self.optimiser = torch.optim.Adam(policy.parameters(), lr=config.learning_rate, fused=True)

    def epoch(self, environments: int, steps: int, generator: torch.Generator) -> EpochLog:
        """Collect from `environments` at a time and learn, until at least `steps` recommendations were made.

        Args: generator: on the policy's device; draws users, their factors, items and minibatches.
        Raises: RunError: if a loss is not finite.
        """
        log = EpochLog()
        while log.steps < steps:
            with log.timed("sampling", generator.device):
                collection = self.collect(environments, generator)
            with log.timed("learning", generator.device):
                self.update(collection, log, generator)
                log.count(collection.visits, environments, collection.episodes.rewards)
        return log

    @torch.no_grad()
    def collect(self, environments: int, generator: torch.Generator) -> Collection:
        """One episode for each of `environments` users drawn uniformly with replacement."""
        users = torch.randint(self._n_users, (environments,), generator=generator, device=generator.device)
        if self._posterior is not None:
            self._posterior.redraw(users, generator)
        recorder = _Recorder(self.policy, users, self.simulator.max_steps, generator)
        episodes = roll_out(self.simulator, users, recorder.choose)
        row, step = episodes.taken.nonzero(as_tuple=True)
        items = episodes.actions[row, step]
        nothing = Window(items.new_empty(len(row), 0), episodes.rewards.new_empty(len(row), 0))  # the belief has read it
        return Collection(
            episodes,
            Visits(row, step, episodes.users[row], items, nothing),
            recorder.summaries[row, step],
            recorder.log_probabilities[row, step],
            recorder.scores[row, step],
        )

    def update(self, collection: Collection, log: EpochLog, generator: torch.Generator) -> None:
        """One pass over the collection in shuffled minibatches of about equal size."""
        advantages, returns = self._advantages(collection)
        order = torch.randperm(len(returns), generator=generator, device=generator.device)
        for chosen in order.tensor_split(max(1, len(order) // self.config.minibatch_size)):
            advantage = advantages[chosen]
            if self.config.normalise_advantages:
                advantage = (advantage - advantage.mean()) / (advantage.std(correction=0) + 1e-8)
            values = self.policy.critic(collection.summaries[chosen], collection.visits.step[chosen])
            value_loss = F.mse_loss(values, returns[chosen])
            self.optimiser.zero_grad(set_to_none=True)
            (self.config.value_weight * value_loss).backward()  # type: ignore[no-untyped-call]
            gradient = -(advantage @ collection.scores[chosen]) / len(chosen)
            self.policy.log_sharpness.grad, self.policy.shared_category_weight.grad = gradient[:1], gradient[1:]
            if self.config.max_gradient_norm:
                nn.utils.clip_grad_norm_(self.policy.parameters(), self.config.max_gradient_norm)
            self.optimiser.step()
            log.add("loss/policy", -(collection.log_probabilities[chosen] * advantage).mean())
            log.add("loss/value", value_loss)
        log.add("policy/sharpness", self.policy.log_sharpness.exp().squeeze())
        log.add("policy/shared_category_weight", self.policy.shared_category_weight.squeeze())

    @torch.no_grad()
    def _advantages(self, collection: Collection) -> tuple[Tensor, Tensor]:
        """(n,) advantages and returns of the steps."""
        episodes, visits = collection.episodes, collection.visits
        values = torch.zeros_like(episodes.rewards)
        values[visits.row, visits.step] = self.policy.critic(collection.summaries, visits.step)
        advantages = generalised_advantages(
            episodes.rewards, values, episodes.lengths, self.config.discount, self.config.gae_lambda
        )
        advantage = advantages[visits.row, visits.step]
        return advantage, advantage + values[visits.row, visits.step]

    def tensors(self) -> dict[str, Tensor]:
        """All that goes on with learning, by name."""
        return learned_tensors(self.policy, self.optimiser)

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors()` gave."""
        restore_learned(tensors, self.policy, self.optimiser)


@dataclass(frozen=True)
class Buffers:
    """Matrices (B, n_items) that every step writes to: fresh memory would cost more than what is computed in it."""

    logits: Tensor
    shares: Tensor
    probabilities: Tensor

    @classmethod
    def empty(cls, episodes: int, n_items: int, device: torch.device) -> "Buffers":
        return cls(*(torch.empty(episodes, n_items, device=device) for _ in range(3)))

    def first(self, episodes: int) -> "Buffers":
        """Those of the first `episodes` rows."""
        return Buffers(self.logits[:episodes], self.shares[:episodes], self.probabilities[:episodes])


class _Recorder:
    """Draws the items of a roll-out of B episodes, and records what learning needs of each step.

    The belief takes in one step at a time, of the episodes that still run.

    Attributes:
        summaries: (B, T, s).
        log_probabilities: (B, T).
        scores: (B, T, 2).
    """

    def __init__(self, policy: BayesAdaptivePolicy, users: Tensor, max_steps: int, generator: torch.Generator) -> None:
        self._policy, self._generator = policy, generator
        self._believed = policy.belief.begin(users)
        self._rows = torch.arange(len(users), device=users.device)
        self._buffers = Buffers.empty(len(users), policy.belief.n_items, users.device)
        shape = (len(users), max_steps)
        self.summaries = torch.zeros(*shape, policy.belief.size, device=users.device)
        self.log_probabilities = torch.zeros(shape, device=users.device)
        self.scores = torch.zeros(*shape, 2, device=users.device)

    def choose(self, simulator: Simulator) -> Tensor:
        """(A,) items for the episodes that still run."""
        policy, window, step = self._policy, simulator.window, simulator.step_number
        if len(simulator.rows) < len(self._rows):
            self._believed = self._believed.rows(torch.searchsorted(self._rows, simulator.rows))
            self._rows = simulator.rows
        self._believed = self._believed.observe(window.last(1))
        buffers = self._buffers.first(len(self._rows))
        logits, shares, summary = policy.logits(self._believed, window, buffers)
        if simulator.blocked is not None:
            logits.add_(simulator.blocked, alpha=BLOCKED)
        probabilities = torch.softmax(logits, dim=1, out=buffers.probabilities)
        items = draw_items(probabilities, self._generator)
        self.summaries[self._rows, step] = summary
        self.log_probabilities[self._rows, step] = probabilities.gather(1, items[:, None]).log().squeeze(1)
        self.scores[self._rows, step, 0] = _centred(logits, probabilities, items)
        if shares is not None:
            self.scores[self._rows, step, 1] = policy.log_sharpness.exp() * _centred(shares, probabilities, items)
        return items


def _centred(terms: Tensor, probabilities: Tensor, items: Tensor) -> Tensor:
    """(A,) the terms (A, n_items) of `items` (A,) less their mean under `probabilities`; overwrites `terms`."""
    own = terms.gather(1, items[:, None]).squeeze(1)
    return own - terms.mul_(probabilities).sum(dim=1)
