"""Caser (Tang and Wang, WSDM 2018, "Personalized Top-N Sequential Recommendation via Convolutional Sequence Embedding").

The window is a picture E (w, d), newest position last:

    horizontal: o_k = max over i of relu(E_{i..i+h-1} . F^k + b_k),  F^k (h, d), for every height h of 1..w     (Eqs. 4 to 6)
    vertical:   o~_k = sum over l of F~^k_l E_l,  F~^k (w,)                                                      (Eqs. 7 to 9)
    z = relu(W [o; o~] + b)                                                                                      (Eq. 10)

docs/methods/trackers.md lists the differences from the paper.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.networks.encoder import initialise_linear
from darlr.agents.networks.trackers.tracker import StateTracker
from darlr.agents.settings import TrackerConfig


class CaserTracker(StateTracker):
    """Filters over runs of positions of every length, and weighted sums of all positions."""

    own_width = True

    @staticmethod
    def weights(config: TrackerConfig, position: int) -> int:
        filters = config.horizontal_filters * position * config.window * (config.window + 1) // 2
        joined = config.horizontal_filters * config.window + config.vertical_filters * position
        return filters + joined * config.width

    @staticmethod
    def activations(config: TrackerConfig) -> int:
        return config.horizontal_filters * config.window * (config.window + 1) // 2

    def __init__(self, config: TrackerConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator) -> None:
        super().__init__(config, item_vectors, user_vectors, generator)
        d, across, down = self.input_size, config.horizontal_filters, config.vertical_filters
        self.horizontal = nn.ModuleList(nn.Linear(height * d, across) for height in range(1, config.window + 1))
        self.vertical = nn.Linear(config.window, down, bias=False)
        self.join = nn.Linear(across * config.window + down * d, self.width)
        for linear in (*self.horizontal, self.vertical, self.join):
            initialise_linear(linear, generator)

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        inputs = inputs * present[:, :, None]
        pooled = []
        for height, filters in enumerate(self.horizontal, start=1):
            runs = inputs.unfold(1, height, 1).transpose(2, 3).flatten(start_dim=2)  # (B, w - h + 1, h d), oldest first
            found = F.relu(filters(runs))
            # A run counts if its newest position is present; its positions before the start are 0. The newest run always
            # counts.
            pooled.append((found * present[:, height - 1 :, None]).amax(dim=1))
        sums = self.vertical(inputs.transpose(1, 2)).flatten(start_dim=1)  # (B, d vertical filters)
        return F.relu(self.join(torch.cat([*pooled, sums], dim=1)))
