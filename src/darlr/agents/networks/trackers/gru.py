"""A gated recurrent unit over the window (Cho et al., EMNLP 2014), the cell of GRU4Rec (Hidasi et al., ICLR 2016)."""

import torch
from torch import Tensor

from darlr.agents.networks.recurrence import gated_cell, recurrent_states
from darlr.agents.networks.trackers.tracker import StateTracker
from darlr.agents.settings import TrackerConfig


class GRUTracker(StateTracker):
    """Reads from the oldest present position to the newest."""

    own_width = True

    def __init__(self, config: TrackerConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator) -> None:
        super().__init__(config, item_vectors, user_vectors, generator)
        self.cell = gated_cell(self.input_size, self.width, generator)

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        return recurrent_states(self.cell, inputs, present)[-1]
