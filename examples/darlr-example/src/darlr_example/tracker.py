"""A state tracker of one's own: a mean of the recent items in which newer ones count more."""

import torch
from torch import Tensor

from darlr.agents.networks.trackers import StateTracker

DECAY = 0.5
"""What an item counts one position further back."""


class DecayingTracker(StateTracker):
    """The base class holds the vectors and cuts the window; a tracker says how large a summary is, and makes it."""

    def _summary_size(self) -> int:
        return self.input_size

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        age = torch.arange(inputs.shape[1] - 1, -1, -1, device=inputs.device)
        weight = (DECAY**age * present).unsqueeze(2)  # nothing before an episode's start counts
        return (inputs * weight).sum(dim=1) / weight.sum(dim=1)
