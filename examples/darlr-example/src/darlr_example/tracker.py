"""A custom state tracker: a mean of the recent items in which newer ones have more weight."""

import torch
from torch import Tensor

from darlr.agents.networks.trackers import StateTracker

DECAY = 0.5
"""The factor of an item's weight one position further back."""


class DecayingTracker(StateTracker):
    """The base class holds the vectors and cuts the window; a tracker summarises it."""

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        age = torch.arange(inputs.shape[1] - 1, -1, -1, device=inputs.device)
        weight = (DECAY**age * present).unsqueeze(2)  # nothing before an episode's start counts
        return (inputs * weight).sum(dim=1) / weight.sum(dim=1)
