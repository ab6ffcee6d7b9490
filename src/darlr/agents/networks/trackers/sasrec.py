"""SASRec's self-attention over the window (Kang and McAuley, ICDM 2018).

`self_attention.py` has the blocks under their equations. The opponent `sasrec` learns the same blocks from the log alone.
docs/methods/trackers.md lists the differences from the paper.
"""

import torch
from torch import Tensor, nn

from darlr.agents.networks.encoder import initialise_linear
from darlr.agents.networks.self_attention import SelfAttentionEncoder
from darlr.agents.networks.trackers.tracker import StateTracker
from darlr.agents.settings import TrackerConfig


class SASRecTracker(StateTracker):
    """Blocks in which a position sees itself and earlier positions, read at the newest position."""

    own_width = True

    @staticmethod
    def layers(config: TrackerConfig) -> int:
        return config.layers

    @staticmethod
    def weights(config: TrackerConfig, position: int) -> int:
        return 6 * config.layers * config.width**2

    @staticmethod
    def activations(config: TrackerConfig) -> int:
        return config.layers * config.window * (config.width + config.heads * config.window)

    def __init__(self, config: TrackerConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator) -> None:
        super().__init__(config, item_vectors, user_vectors, generator)
        self.project = nn.Linear(self.input_size, self.width)
        self.encoder = SelfAttentionEncoder(self.width, config.window, config.layers, config.heads, generator)
        initialise_linear(self.project, generator)

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        states: Tensor = self.encoder(self.project(inputs), present)
        return states[:, -1]
