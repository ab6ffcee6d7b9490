"""The policy of two parameters that acts on a belief about its user.

The equations are numbered in docs/methods/bayes-adaptive.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from darlr.agents.acting import Among, Reasons, Scorer, mask_logits
from darlr.agents.believing.belief import Belief, Believed, Followed
from darlr.agents.believing.candidates import FactorShortlist
from darlr.agents.believing.factors import FactorBelief, FactorPosterior
from darlr.agents.candidates import Candidates, Kept
from darlr.agents.networks.encoder import initialise_linear
from darlr.agents.policy import Policy
from darlr.artifacts.schema import Shape
from darlr.world.categories import CategoryMemory
from darlr.world.window import Window


@dataclass(frozen=True)
class Buffers:
    """Matrices (B, n_items) that every step reuses; allocating them anew would cost more than the computation."""

    logits: Tensor
    shares: Tensor
    probabilities: Tensor

    @classmethod
    def empty(cls, episodes: int, n_items: int, device: torch.device) -> "Buffers":
        """Allocate the matrices (episodes, n_items)."""
        return cls(*(torch.empty(episodes, n_items, device=device) for _ in range(3)))

    def first(self, episodes: int) -> "Buffers":
        """Return views of the first `episodes` rows."""
        return Buffers(self.logits[:episodes], self.shares[:episodes], self.probabilities[:episodes])


class BayesAdaptivePolicy(Policy):
    """pi(i) is proportional to exp(beta (r'(i) + lambda [i shares a category with one of the last N])), r' as believed (Eq. 5).

    Attributes:
        belief: the belief about the users; rebuilt from the world model, not saved.
        candidates: the items that it chooses among in episodes; None: all. It ranks all items in either case.
        log_sharpness, shared_category_weight: (1,) log beta and lambda; both are 0 before learning.
        critic: values states (Eq. 7).
    """

    knows_log = True

    def __init__(
        self,
        belief: Belief,
        membership: Tensor,
        category_window: int,
        max_steps: int,
        paid_range: tuple[float, float],
        critic_size: int,
        generator: torch.Generator,
        candidates: Candidates | None = None,
    ) -> None:
        """
        Args:
            belief: the belief about the users.
            membership: (n_items, C), whether an item has a category.
            category_window: N; 0 if users do not leave over categories.
            max_steps: T, the longest episode.
            paid_range: smallest and largest reward.
            critic_size: number of hidden units of the critic.
            generator: draws the critic's initial weights, on the CPU.
            candidates: the items that it chooses among in episodes; None: all.
        """
        super().__init__()
        self.belief = belief
        self.candidates = candidates
        self.categories = CategoryMemory(membership)
        self.category_window = category_window
        self.log_sharpness = nn.Parameter(torch.zeros(1))
        self.shared_category_weight = nn.Parameter(torch.zeros(1))
        self.critic = Critic(belief.size, max_steps, paid_range, critic_size, generator)

    def logits(self, believed: Believed, window: Window, into: Buffers | None = None) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return logits (B, n_items), shares (B, n_items) of 0 and 1, and the belief's summary (B, s).

        The share is 1 for an item that has a category of one of the last N; shares are None if users do not leave over
        categories.

        Args:
            believed: the belief about B users.
            window: (B, L) the last positions of their episodes.
            into: memory for the matrices; None: new memory.
        """
        logits, summary = believed.expect(None if into is None else into.logits)
        shares = None
        if self.category_window:
            counts = self.categories.counts(window.last(self.category_window).items)
            shares = torch.mm(counts, self.categories.membership.T, out=None if into is None else into.shares).clamp_(max=1.0)
            logits.addcmul_(shares, self.shared_category_weight)
        return logits.mul_(self.log_sharpness.exp()), shares, summary

    def logits_at_start(self, believed: Believed) -> Tensor:
        """Return (B, n_items) `logits` before the first recommendation, when no item shares a category with an earlier one."""
        return believed.expect()[0].mul_(self.log_sharpness.exp())

    def shortlist(self, users: Tensor) -> FactorShortlist | None:
        """Return the candidates for `users` (B,) in their episodes; None if these are all items."""
        if self.candidates is None or not isinstance(self.belief, FactorBelief):
            return None
        return FactorShortlist.of(self.belief, self.candidates.of(users))

    def logits_among(
        self, believed: Believed, window: Window, shortlist: FactorShortlist
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return the three results of `logits` for the items of the `shortlist`: (B, k), (B, k) and (B, s)."""
        if not isinstance(believed, FactorPosterior):
            raise TypeError(f"no candidates are scored by a {type(believed).__name__}")
        factors, shares = believed.factors(), None
        logits = shortlist.expect(factors)
        if self.category_window:
            shares = shortlist.shares(self.categories.counts(window.last(self.category_window).items))
            logits.addcmul_(shares, self.shared_category_weight)
        return logits.mul_(self.log_sharpness.exp()), shares, factors

    def shares(self, window: Window) -> Tensor:
        """Return (B, n_items) 1 if an item shares a category with one of the last N of `window`, else 0."""
        if not self.category_window:
            return torch.zeros(len(window.items), self.belief.n_items, device=window.items.device)
        return self.categories.shares(window.last(self.category_window).items).to(torch.float32)

    def scorer(self) -> Scorer:
        return _BeliefScorer(self)

    def saved_shapes(self) -> dict[str, Shape]:
        own = {f"belief.{name}": shape for name, shape in self.belief.saved_shapes().items()}
        return {**super().saved_shapes(), **own}

    def average_user(self) -> dict[str, Tensor]:
        return self.belief.average_user()

    def append_user(self, rows: Mapping[str, Tensor]) -> None:
        self.belief.append_user(rows)


class Critic(nn.Module):
    """Predicts the return of the rest of an episode: for each remaining step, a share of the paid range, by a small network."""

    def __init__(
        self, size: int, max_steps: int, paid_range: tuple[float, float], hidden: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.max_steps = max_steps
        self.low, self.high = min(0.0, paid_range[0]), max(0.0, paid_range[1])  # a user who has left gives 0
        self.network = nn.Sequential(nn.Linear(size + 1, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        for layer in self.network:
            if isinstance(layer, nn.Linear):
                initialise_linear(layer, generator)

    def forward(self, summary: Tensor, steps: Tensor) -> Tensor:
        """Return (n,) values of states with `summary` (n, s), after `steps` (n,)."""
        inputs = torch.cat([summary, (steps / self.max_steps)[:, None]], dim=1)
        a_step: Tensor = self.low + (self.high - self.low) * self.network(inputs).squeeze(1).sigmoid()
        return a_step * (self.max_steps - steps)


class _BeliefScorer(Scorer):
    """Scores items by a policy's logits; a window must show the whole episode."""

    def __init__(self, policy: BayesAdaptivePolicy) -> None:
        self._policy, self._followed = policy, Followed(policy.belief)
        self._kept = Kept(policy.shortlist)

    @torch.no_grad()
    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        policy, believed = self._policy, self._followed.believed(users, window)
        begun = bool((window.items < policy.belief.n_items).any())
        logits = policy.logits(believed, window)[0] if begun else policy.logits_at_start(believed)
        return mask_logits(logits, blocked)

    @torch.no_grad()
    def among(self, users: Tensor, window: Window) -> Among | None:
        if self._policy.candidates is None:
            return None
        found, rows = self._kept.of(users)
        if found is None:
            return None
        shortlist = found.rows(rows)
        logits, _, _ = self._policy.logits_among(self._followed.believed(users, window), window, shortlist)
        return Among(shortlist.items, logits).without(shortlist.repeated)

    @torch.no_grad()
    def expected_rewards(self, users: Tensor, window: Window, items: Tensor) -> Tensor | None:
        return self._policy.belief.to_reward(self._followed.believed(users, window).expect_of(items))

    @torch.no_grad()
    def reasons(self, users: Tensor, window: Window, items: Tensor) -> Reasons | None:
        policy = self._policy
        believed = policy.belief.begin(users)
        expected = [believed.expect_of(items)]
        for position in range(window.items.shape[1]):
            here = Window(window.items[:, position, None], window.rewards[:, position, None])
            if (here.items >= policy.belief.n_items).all():  # start and absence carry no information
                expected.append(expected[-1])
                continue
            believed = believed.observe(here)
            expected.append(believed.expect_of(items))
        rewards = policy.belief.to_reward(torch.stack(expected, dim=1))
        if rewards is None:
            return None
        penalised = policy.belief.to_reward(
            expected[-1] + policy.shared_category_weight * policy.shares(window).gather(1, items)
        )
        assert penalised is not None  # the scale is known, because `rewards` is not None
        return Reasons(rewards[:, 0], rewards.diff(dim=1), rewards[:, -1] - penalised)
