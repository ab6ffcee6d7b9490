"""Episodes of a policy that acts on beliefs, recorded with the gradients of its choices."""

import torch
from torch import Tensor

from darlr.agents.acting import draw_items
from darlr.agents.believing.belief import Believed
from darlr.agents.believing.candidates import FactorShortlist
from darlr.agents.believing.policy import BayesAdaptivePolicy, Buffers
from darlr.simulator.simulator import Simulator

BLOCKED = -1e9
"""The logit of blocked items. Their probability is exactly 0, and so is their share in a mean."""


class Recorder:
    """Draws the items of B episodes, and records the values that learning needs from each step.

    The belief observes one step at a time, of the episodes that still run.

    Attributes:
        summaries: (B, T, s).
        log_probabilities: (B, T).
        scores: (B, T, 2).
    """

    def __init__(
        self, policy: BayesAdaptivePolicy, users: Tensor, max_steps: int, observes: bool, generator: torch.Generator
    ) -> None:
        """
        Args:
            policy: the policy.
            users: (B,) rows of the world.
            max_steps: T.
            observes: whether beliefs observe the users' rewards.
            generator: draws the items.
        """
        self._policy, self._observes, self._generator = policy, observes, generator
        self._believed = policy.belief.begin(users)
        self._rows = torch.arange(len(users), device=users.device)
        shortlist = policy.shortlist(users)
        self._items = _All(policy, len(users)) if shortlist is None else _Listed(policy, shortlist)
        shape = (len(users), max_steps)
        self.summaries = torch.zeros(*shape, policy.belief.size, device=users.device)
        self.log_probabilities = torch.zeros(shape, device=users.device)
        self.scores = torch.zeros(*shape, 2, device=users.device)

    def choose(self, simulator: Simulator) -> Tensor:
        """Return (A,) items for the episodes that still run."""
        policy, window, step = self._policy, simulator.window, simulator.step_number
        if len(simulator.rows) < len(self._rows):
            left = torch.searchsorted(self._rows, simulator.rows)
            self._believed = self._believed.rows(left)
            self._items.keep(left)
            self._rows = simulator.rows
        if self._observes:
            self._believed = self._believed.observe(window.last(1))
        logits, shares, summary = self._items.logits(self._believed, simulator)
        probabilities = self._items.probabilities(logits)
        places = draw_items(probabilities, self._generator)
        self.summaries[self._rows, step] = summary
        self.log_probabilities[self._rows, step] = probabilities.gather(1, places[:, None]).log().squeeze(1)
        self.scores[self._rows, step, 0] = _centred(logits, probabilities, places)
        if shares is not None:
            self.scores[self._rows, step, 1] = policy.log_sharpness.exp() * _centred(shares, probabilities, places)
        return self._items.take(places, again=simulator.allow_repeats)


class _All:
    """A choice among all items; a place is a column of the world."""

    def __init__(self, policy: BayesAdaptivePolicy, episodes: int) -> None:
        self._policy = policy
        self._buffers = Buffers.empty(episodes, policy.belief.n_items, policy.log_sharpness.device)
        self._running = episodes

    def keep(self, left: Tensor) -> None:
        """Keep the episodes `left` (A,) of those that ran."""
        self._running = len(left)

    def logits(self, believed: Believed, simulator: Simulator) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return `BayesAdaptivePolicy.logits`, with `BLOCKED` for items that may not be recommended again."""
        window, step = simulator.window, simulator.step_number
        logits, shares, summary = self._policy.logits(believed, window, self._buffers.first(self._running))
        if step and not simulator.allow_repeats:
            logits.scatter_(1, window.items[:, -step:], BLOCKED)
        return logits, shares, summary

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return (A, n_items) the softmax of `logits` (A, n_items)."""
        return torch.softmax(logits, dim=1, out=self._buffers.first(self._running).probabilities)

    def take(self, places: Tensor, again: bool) -> Tensor:
        """Return (A,) the items at `places` (A,); `again` says whether they may be recommended again."""
        return places


class _Listed:
    """A choice among the items of a shortlist."""

    def __init__(self, policy: BayesAdaptivePolicy, shortlist: FactorShortlist) -> None:
        self._policy, self._shortlist = policy, shortlist
        self._blocked = shortlist.repeated.clone()

    def keep(self, left: Tensor) -> None:
        """Keep the episodes `left` (A,) of those that ran."""
        self._shortlist, self._blocked = self._shortlist.rows(left), self._blocked[left]

    def logits(self, believed: Believed, simulator: Simulator) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return `BayesAdaptivePolicy.logits_among`, with `BLOCKED` for items that may not be recommended again."""
        logits, shares, summary = self._policy.logits_among(believed, simulator.window, self._shortlist)
        return logits.masked_fill_(self._blocked, BLOCKED), shares, summary

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return (A, k) the softmax of `logits` (A, k)."""
        return logits.softmax(dim=1)

    def take(self, places: Tensor, again: bool) -> Tensor:
        """Return (A,) the items at `places` (A,); `again` says whether they may be recommended again."""
        if not again:
            self._blocked.scatter_(1, places[:, None], True)
        return self._shortlist.items.gather(1, places[:, None]).squeeze(1)


def _centred(terms: Tensor, probabilities: Tensor, places: Tensor) -> Tensor:
    """Return (A,) the terms (A, k) at `places` (A,) minus their mean under `probabilities` (A, k); overwrites `terms`."""
    own = terms.gather(1, places[:, None]).squeeze(1)
    return own - terms.mul_(probabilities).sum(dim=1)
