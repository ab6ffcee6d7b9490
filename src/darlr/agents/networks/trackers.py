"""State trackers: what was recommended and how it was received -> a state vector (protocol section 2, Eq. 14).

Each position of a window is an item vector with its normalised reward appended. Positions before the start are masked; the
start has a vector of its own.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.networks.encoder import NewestEncoder, initialise_linear
from darlr.agents.settings import TrackerConfig
from darlr.registry import Registry
from darlr.world.window import Window, absent_item


class StateTracker(nn.Module):
    """Base: holds the item vectors, which learning goes on to change, and the optional user vectors, which stay.

    Attributes:
        item_vectors: (n_items + 2, d); the last two rows are the start and absence, the latter always zero.
        state_size: size of a state.
    """

    user_vectors: Tensor

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


class MeanTracker(StateTracker):
    """The mean of the positions that are present."""

    def _summary_size(self) -> int:
        return self.input_size

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        return inputs.sum(dim=1) / present.sum(dim=1, keepdim=True)  # absent positions are zero


class GRUTracker(StateTracker):
    """A gated recurrent unit that reads from the oldest present position to the newest."""

    def __init__(self, config: TrackerConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator) -> None:
        self.width = config.width
        super().__init__(config, item_vectors, user_vectors, generator)
        self.cell = nn.GRUCell(self.input_size, self.width)
        for parameter in self.cell.parameters():
            nn.init.uniform_(parameter, -(self.width**-0.5), self.width**-0.5, generator=generator)

    def _summary_size(self) -> int:
        return self.width

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        state = inputs.new_zeros(inputs.shape[0], self.width)  # len() would fix the batch of an exported graph
        for position in range(inputs.shape[1]):
            state = torch.where(present[:, position, None], self.cell(inputs[:, position], state), state)
        return state


class TransformerTracker(StateTracker):
    """Encoder layers over the window, absent positions masked, read at the newest position."""

    def __init__(self, config: TrackerConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator) -> None:
        self.width = config.width
        super().__init__(config, item_vectors, user_vectors, generator)
        self.project = nn.Linear(self.input_size, self.width)
        self.encoder = NewestEncoder(self.width, config.window, config.layers, config.heads, generator)
        initialise_linear(self.project, generator)

    def _summary_size(self) -> int:
        return self.width

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        state: Tensor = self.encoder(self.project(inputs), present)
        return state


TRACKERS: Registry[type[StateTracker]] = Registry(
    "tracker", lambda: {"mean": MeanTracker, "gru": GRUTracker, "transformer": TransformerTracker}
)


def register_tracker(name: str, kind: type[StateTracker]) -> type[StateTracker]:
    """Add a state tracker, which `tracker.kind` may then name; raises `InputError` if the name is taken."""
    return TRACKERS.register(name, kind)


def state_tracker(
    config: TrackerConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator
) -> StateTracker:
    """The tracker that `config` names, over item vectors (n_items, d) and user vectors (n_users, d_u)."""
    return TRACKERS[config.kind](config, item_vectors, user_vectors, generator)
