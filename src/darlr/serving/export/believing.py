"""The update of a belief as a loop in a graph: the same rank-one updates, with a number of steps that each request decides."""

from dataclasses import replace

import torch
from torch import Tensor
from torch._higher_order_ops.scan import scan

from darlr.agents.believing.belief import Believed
from darlr.agents.believing.factors import FactorPosterior
from darlr.agents.believing.tables import Corrected
from darlr.world.window import Window


class ScannedPosterior(FactorPosterior):
    """A posterior that observes responses in a scan, an operation that ONNX supports.

    A Python loop over the informative positions would be unrolled to those of the example. Start and absence add nothing,
    so including them does not change the numbers.
    """

    @classmethod
    def of(cls, posterior: FactorPosterior) -> "ScannedPosterior":
        """Return the same posterior with copied tensors, because a scan needs contiguous initial tensors."""
        parts = (posterior.means, posterior.covariances, posterior.log_evidence)
        return cls(posterior.belief, *(part.clone(memory_format=torch.contiguous_format) for part in parts))

    def observe(self, window: Window) -> FactorPosterior:
        """Return the posterior after `window` (A, L), without the shortcut for an empty one, because a graph has no such
        branch.
        """
        return self.respond(window.items, self.belief.responses(window))

    def respond(self, items: Tensor, y: Tensor) -> FactorPosterior:
        """Return the posterior after responses `y` (A, L) to `items` (A, L)."""

        def step(state: tuple[Tensor, Tensor, Tensor], shown: tuple[Tensor, Tensor]) -> tuple[tuple[Tensor, ...], tuple[()]]:
            after = FactorPosterior(self.belief, *state).add(*shown)
            return (after.means, after.covariances, after.log_evidence), ()

        start = (self.means, self.covariances, self.log_evidence)
        (means, covariances, log_evidence), _ = scan(step, start, (items.T, y.T))
        return FactorPosterior(self.belief, means, covariances, log_evidence)


def scanning(believed: Believed) -> Believed:
    """Return the belief, observing in a scan."""
    if isinstance(believed, FactorPosterior):
        return ScannedPosterior.of(believed)
    if isinstance(believed, Corrected):
        return replace(believed, posterior=ScannedPosterior.of(believed.posterior))
    return believed
