"""Roll-outs of a policy that acts on beliefs, with the gradients of what it did."""

import torch
from torch import Tensor

from darlr.agents.acting import draw_items
from darlr.agents.believing.policy import BayesAdaptivePolicy, Buffers
from darlr.simulator.simulator import Simulator

BLOCKED = -1e9
"""The logit of blocked items: their probability is exactly 0, and so is what they add to a mean."""


class Recorder:
    """Draws the items of a roll-out of B episodes, and records what learning needs of each step.

    The belief takes in one step at a time, of the episodes that still run.

    Attributes:
        summaries: (B, T, s).
        log_probabilities: (B, T).
        scores: (B, T, 2).
    """

    def __init__(
        self, policy: BayesAdaptivePolicy, users: Tensor, max_steps: int, observes: bool, generator: torch.Generator
    ) -> None:
        """Args: observes: whether beliefs take in what users give."""
        self._policy, self._observes, self._generator = policy, observes, generator
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
        if self._observes:
            self._believed = self._believed.observe(window.last(1))
        buffers = self._buffers.first(len(self._rows))
        logits, shares, summary = policy.logits(self._believed, window, buffers)
        if step and not simulator.allow_repeats:
            logits.scatter_(1, window.items[:, -step:], BLOCKED)
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
