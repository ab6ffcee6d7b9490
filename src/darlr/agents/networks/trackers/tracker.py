"""State trackers: what was recommended and how it was received -> a state vector (protocol section 2, Eq. 14).

Each position of a window is an item vector with its normalised reward appended. Positions before the start are masked; the
start has a vector of its own.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.settings import TrackerConfig
from darlr.world.window import Window, absent_item


class StateTracker(nn.Module):
    """Base: holds the item vectors, which learning goes on to change, and the optional user vectors, which stay.

    Attributes:
        item_vectors: (n_items + 2, d); the last two rows are the start and absence, the latter always zero.
        state_size: size of a state.
    """

    user_vectors: Tensor

    own_width: ClassVar[bool] = False
    """Whether a state has `tracker.width` numbers, and not those of a position."""

    @staticmethod
    def layers(config: TrackerConfig) -> int:
        """How many layers it has that look at all positions, as those of a Transformer; for estimates of time."""
        return 0

    @staticmethod
    def weights(config: TrackerConfig, position: int) -> int:
        """How many numbers it learns beside item vectors, roughly; position: the size of one."""
        return 0

    @staticmethod
    def activations(config: TrackerConfig) -> int:
        """How many numbers learning keeps of a state, roughly."""
        return 0

    def __init__(self, config: TrackerConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator) -> None:
        """Args: item_vectors: (n_items, d); user_vectors: (n_users, d_u), used if `config.user_state`."""
        super().__init__()
        self.window = config.window
        scale = float(item_vectors.std()) if item_vectors.numel() > 1 else 1.0
        start = torch.randn(1, item_vectors.shape[1], generator=generator) * scale
        absent = torch.zeros(1, item_vectors.shape[1])
        self.item_vectors = nn.Parameter(torch.cat([item_vectors, start, absent]))
        self.absent_item = absent_item(len(item_vectors))
        self.input_size = item_vectors.shape[1] + 1
        self.register_buffer("user_vectors", user_vectors if config.user_state else user_vectors[:, :0], persistent=False)
        self.state_size = self._summary_size() + self.user_vectors.shape[1]

    def forward(self, users: Tensor, window: Window) -> Tensor:
        """(B, state_size) for users (B,) and a window of at least `self.window` positions."""
        window = window.last(self.window)
        vectors = F.embedding(window.items, self.item_vectors, padding_idx=self.absent_item)
        inputs = torch.cat([vectors, window.rewards.unsqueeze(-1)], dim=-1)  # (B, w, d + 1)
        state = self._summarise(inputs, window.items != self.absent_item)
        return torch.cat([state, self.user_vectors[users]], dim=1) if self.user_vectors.numel() else state

    def _summary_size(self) -> int:
        raise NotImplementedError

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        """(B, summary) of `inputs` (B, w, d + 1), newest last; `present` (B, w) is True from the start item on."""
        raise NotImplementedError
