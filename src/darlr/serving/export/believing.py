"""A belief's update as one loop of a graph: the same rank-one updates, whose number a request decides."""

from dataclasses import replace

import torch
from torch import Tensor
from torch._higher_order_ops.scan import scan

from darlr.agents.believing.belief import Believed
from darlr.agents.believing.factors import FactorPosterior
from darlr.agents.believing.tables import Corrected
from darlr.world.window import Window


class ScannedPosterior(FactorPosterior):
    """A posterior that takes in its responses in a scan, which ONNX knows.

    Python's loop over the informative positions would be unrolled to those of the example. Start and absence add nothing, so
    the numbers are the same with them.
    """

    @classmethod
    def of(cls, posterior: FactorPosterior) -> "ScannedPosterior":
        """The same posterior; its tensors are copies, as those that a scan begins with have to be whole."""
        parts = (posterior.means, posterior.covariances, posterior.log_evidence)
        return cls(posterior.belief, *(part.clone(memory_format=torch.contiguous_format) for part in parts))

    def observe(self, window: Window) -> FactorPosterior:
        """Whether anything was given yet is not asked: a graph has no such branch."""
        return self.respond(window.items, self.belief.responses(window))

    def respond(self, items: Tensor, y: Tensor) -> FactorPosterior:
        def step(state: tuple[Tensor, Tensor, Tensor], shown: tuple[Tensor, Tensor]) -> tuple[tuple[Tensor, ...], tuple[()]]:
            after = FactorPosterior(self.belief, *state).add(*shown)
            return (after.means, after.covariances, after.log_evidence), ()

        start = (self.means, self.covariances, self.log_evidence)
        (means, covariances, log_evidence), _ = scan(step, start, (items.T, y.T))
        return FactorPosterior(self.belief, means, covariances, log_evidence)


def scanning(believed: Believed) -> Believed:
    """What is `believed`, observing in a scan."""
    if isinstance(believed, FactorPosterior):
        return ScannedPosterior.of(believed)
    if isinstance(believed, Corrected):
        return replace(believed, posterior=ScannedPosterior.of(believed.posterior))
    return believed
