"""NextItNet (Yuan et al., WSDM 2019, "A Simple Convolutional Generative Network for Next Item Recommendation").

    y = x + F(x),  F(x) = relu(LayerNorm(W_2 *_{2l} relu(LayerNorm(W_1 *_l x))))      (the block of Fig. 3b)

*_l is a causal convolution over three positions, l apart. Blocks follow each other with l = 1, 4, 16, ...
docs/methods/trackers.md lists the differences from the paper.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.networks.encoder import initialise_linear
from darlr.agents.networks.trackers.tracker import StateTracker
from darlr.agents.settings import TrackerConfig

TAPS = 3
"""Number of positions that a convolution reads."""


class NextItNetTracker(StateTracker):
    """Residual blocks of dilated causal convolutions, read at the newest position."""

    own_width = True

    @staticmethod
    def layers(config: TrackerConfig) -> int:
        return config.layers

    @staticmethod
    def weights(config: TrackerConfig, position: int) -> int:
        return 2 * TAPS * config.layers * config.width**2

    @staticmethod
    def activations(config: TrackerConfig) -> int:
        return 2 * TAPS * config.layers * config.window * config.width

    def __init__(self, config: TrackerConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator) -> None:
        super().__init__(config, item_vectors, user_vectors, generator)
        self.project = nn.Linear(self.input_size, self.width)
        initialise_linear(self.project, generator)
        self.blocks = nn.ModuleList(_Block(self.width, 4**number, generator) for number in range(config.layers))

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        hidden = self.project(inputs)
        for block in self.blocks:
            hidden = block(hidden, present)
        newest: Tensor = hidden[:, -1]
        return newest


class _Block(nn.Module):
    def __init__(self, width: int, dilation: int, generator: torch.Generator) -> None:
        super().__init__()
        self.dilation = dilation
        self.first, self.second = (nn.Linear(TAPS * width, width) for _ in range(2))
        self.norm_first, self.norm_second = (nn.LayerNorm(width) for _ in range(2))
        for linear in (self.first, self.second):
            initialise_linear(linear, generator)

    def forward(self, hidden: Tensor, present: Tensor) -> Tensor:
        """The block's output, (B, w, width). A position that is not `present` (B, w) counts as 0, like positions before a
        sequence.
        """
        inner = F.relu(self.norm_first(self.first(_causal(hidden, present, self.dilation))))
        output: Tensor = hidden + F.relu(self.norm_second(self.second(_causal(inner, present, 2 * self.dilation))))
        return output


def _causal(hidden: Tensor, present: Tensor, dilation: int) -> Tensor:
    """Each position's numbers, after those of the positions before it, (B, w, TAPS * width); 0 where there is no such
    position.
    """
    w = hidden.shape[1]
    padded = F.pad(hidden * present[:, :, None], (0, 0, (TAPS - 1) * dilation, 0))
    return torch.cat([padded[:, tap * dilation : tap * dilation + w] for tap in range(TAPS)], dim=2)
