"""The base of state trackers, which map recommendations and their rewards to a state vector (protocol section 2, Eq. 14).

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
    """Base class of state trackers. It holds the item vectors, which are learned further, and the optional user vectors,
    which are not.

    Attributes:
        item_vectors: (n_items + 2, d); the last two rows are the start and absence, the latter always zero.
        user_vectors: (n_users, d_u), or no columns if the state has no user vector.
        width: size of a window's summary, unless the tracker says another in `_summary_size`.
        state_size: size of a state.
    """

    user_vectors: Tensor

    own_width: ClassVar[bool] = False
    """Whether a state has `tracker.width` numbers; else it has as many as a position."""

    @staticmethod
    def layers(config: TrackerConfig) -> int:
        """Number of layers that read all positions, like a Transformer's; for estimates of time."""
        return 0

    @staticmethod
    def weights(config: TrackerConfig, position: int) -> int:
        """Approximate number of learned parameters beside item vectors.

        Args:
            config: the tracker's settings.
            position: number of values of a position.
        """
        return 0

    @staticmethod
    def activations(config: TrackerConfig) -> int:
        """Approximate number of values of a state that learning keeps in memory."""
        return 0

    def __init__(self, config: TrackerConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator) -> None:
        """
        Args:
            config: the tracker's settings.
            item_vectors: (n_items, d).
            user_vectors: (n_users, d_u), used if `config.user_state`.
            generator: draws the initial weights.
        """
        super().__init__()
        self.window = config.window
        scale = float(item_vectors.std()) if item_vectors.numel() > 1 else 1.0
        start = torch.randn(1, item_vectors.shape[1], generator=generator) * scale
        absent = torch.zeros(1, item_vectors.shape[1])
        self.item_vectors = nn.Parameter(torch.cat([item_vectors, start, absent]))
        self.absent_item = absent_item(len(item_vectors))
        self.input_size = item_vectors.shape[1] + 1
        self.width = config.width if self.own_width else self.input_size
        self.register_buffer("user_vectors", user_vectors if config.user_state else user_vectors[:, :0], persistent=False)
        self.state_size = self._summary_size() + self.user_vectors.shape[1]

    def forward(self, users: Tensor, window: Window) -> Tensor:
        """The states (B, state_size) of users (B,) after a window of at least `self.window` positions."""
        window = window.last(self.window)
        vectors = F.embedding(window.items, self.item_vectors, padding_idx=self.absent_item)
        inputs = torch.cat([vectors, window.rewards.unsqueeze(-1)], dim=-1)  # (B, w, d + 1)
        state = self._summarise(inputs, window.items != self.absent_item)
        return torch.cat([state, self.user_vectors[users]], dim=1) if self.user_vectors.numel() else state

    def _summary_size(self) -> int:
        """Number of columns that `_summarise` returns."""
        return self.width

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        """Summarise a window, (B, summary).

        Args:
            inputs: (B, w, d + 1), newest position last.
            present: (B, w) bool, True from the start item on.
        """
        raise NotImplementedError
