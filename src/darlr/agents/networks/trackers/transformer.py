"""A Transformer over the window (Vaswani et al., NeurIPS 2017; Eq. 14)."""

import torch
from torch import Tensor, nn

from darlr.agents.networks.encoder import NewestEncoder, initialise_linear
from darlr.agents.networks.trackers.tracker import StateTracker
from darlr.agents.settings import TrackerConfig


class TransformerTracker(StateTracker):
    """Encoder layers over the window with absent positions masked, read at the newest position."""

    own_width = True

    @staticmethod
    def layers(config: TrackerConfig) -> int:
        return config.layers

    @staticmethod
    def weights(config: TrackerConfig, position: int) -> int:
        return 5 * config.layers * config.width**2

    @staticmethod
    def activations(config: TrackerConfig) -> int:
        return config.window * config.width * config.layers

    def __init__(self, config: TrackerConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator) -> None:
        super().__init__(config, item_vectors, user_vectors, generator)
        self.project = nn.Linear(self.input_size, self.width)
        self.encoder = NewestEncoder(self.width, config.window, config.layers, config.heads, generator)
        initialise_linear(self.project, generator)

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        state: Tensor = self.encoder(self.project(inputs), present)
        return state
