"""Items as points of a continuous action space: an actor gives a vector, and the item by inner product is recommended.

The item vectors are the state tracker's at first, which are the world model's, brought to length 1, and stay so: what an action
means does not change while it is learned. The actor's vectors have length 1, too, since an inner product's best item does not
hang on a length. A critic is asked about vectors of items and of the actor alike, and both lie on one sphere.
"""

from collections.abc import Mapping
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.networks.encoder import initialise_linear
from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Moments, without_blocked
from darlr.agents.policy import Rows
from darlr.agents.replaying.policy import ExploringPolicy
from darlr.agents.settings import PolicyConfig


class VectorPolicy(ExploringPolicy):
    """An actor over the state, and critics over the state and a vector.

    Attributes:
        vectors: (n_items, d) of the items, each of length 1.
        critics: each gives a value for a state with a vector.
    """

    vectors: Tensor

    def __init__(
        self,
        config: PolicyConfig,
        tracker: StateTracker,
        n_items: int,
        critics: int,
        noise: float,
        generator: torch.Generator,
    ) -> None:
        """Args: critics: how many; noise: standard deviation of what is added to every coordinate while exploring."""
        size = tracker.item_vectors.shape[1]
        super().__init__(config, tracker, n_items, {"actor": size}, generator)
        self.register_buffer("vectors", F.normalize(tracker.item_vectors[:n_items].detach()), persistent=False)
        self.critics = nn.ModuleList(_critic(tracker.state_size + size, config, generator) for _ in range(critics))
        self._noise = noise

    def entity_rows(self) -> Mapping[str, Rows]:
        return {"tracker.item_vectors": Rows("items")}

    def states(self, moments: Moments) -> Tensor:
        """(B, state_size) what is known."""
        states: Tensor = self.tracker(moments.users, moments.window)
        return states

    def acted(self, states: Tensor) -> Tensor:
        """(B, d) the actor's vectors in `states`, of length 1."""
        return F.normalize(self.heads["actor"](self.trunk(states)).tanh())

    def values(self, states: Tensor, vectors: Tensor) -> Tensor:
        """(number of critics, B) what the critics say of `vectors` (B, d) in `states` (B, state_size)."""
        inputs = torch.cat([states, vectors], dim=1)
        return torch.stack([critic(inputs).squeeze(1) for critic in self.critics])

    def nearest(self, vectors: Tensor, blocking: Tensor | None) -> Tensor:
        """(B, d) the vectors of the items that would be recommended for `vectors` (B, d); blocking: as in `Moments`."""
        return self.vectors[without_blocked(vectors @ self.vectors.T, blocking).argmax(dim=1)]

    def scores(self, moments: Moments) -> Tensor:
        return without_blocked(self.acted(self.states(moments)) @ self.vectors.T, moments.blocking)

    def exploring_scores(self, moments: Moments, generator: torch.Generator) -> Tensor:
        vectors = self.acted(self.states(moments))
        noise = torch.randn(vectors.shape, generator=generator, device=vectors.device)
        return without_blocked((vectors + self._noise * noise) @ self.vectors.T, moments.blocking)


def _critic(size: int, config: PolicyConfig, generator: torch.Generator) -> nn.Sequential:
    """Hidden layers as the policy's trunk has them, and one output."""
    critic = nn.Sequential()
    sizes = [size, *config.hidden_sizes]
    for fan_in, fan_out in pairwise(sizes):
        critic.append(nn.Linear(fan_in, fan_out)).append(nn.ReLU())
    critic.append(nn.Linear(sizes[-1], 1))
    for layer in critic:
        if isinstance(layer, nn.Linear):
            initialise_linear(layer, generator)
    return critic
