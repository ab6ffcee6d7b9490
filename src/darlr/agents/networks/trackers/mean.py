"""The mean of the recommended items and their rewards (docs/protocol.md, section 2)."""

from torch import Tensor

from darlr.agents.networks.trackers.tracker import StateTracker


class MeanTracker(StateTracker):
    """The mean over the positions that are present."""

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        return inputs.sum(dim=1) / present.sum(dim=1, keepdim=True)  # absent positions are zero
