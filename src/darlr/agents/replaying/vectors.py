"""Items as points of a continuous action space: an actor outputs a vector, and the item with the largest inner product is
recommended.

The item vectors are initially the state tracker's, which are the world model's, scaled to length 1. They stay fixed, so
that the meaning of an action does not change while it is learned. The actor's vectors have length 1, too: the best item by
inner product does not depend on a length. A critic evaluates vectors of items and of the actor, and both lie on one sphere.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.networks.encoder import initialise_linear
from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Moments, without_blocked
from darlr.agents.policy import Rows, hidden_layers
from darlr.agents.replaying.policy import ExploringPolicy
from darlr.agents.settings import PolicyConfig


class VectorPolicy(ExploringPolicy):
    """An actor over the state, and critics over the state and a vector.

    Attributes:
        vectors: (n_items, d) of the items, each of length 1.
        critics: each maps a state with a vector to a value.
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
        """
        Args:
            config: the policy's settings.
            tracker: the state tracker.
            n_items: number of items.
            critics: number of critics.
            noise: standard deviation of the noise on every coordinate while exploring.
            generator: draws the initial weights.
        """
        size = tracker.item_vectors.shape[1]
        super().__init__(config, tracker, n_items, {"actor": size}, generator)
        self.register_buffer("vectors", F.normalize(tracker.item_vectors[:n_items].detach()), persistent=False)
        self.critics = nn.ModuleList(_critic(tracker.state_size + size, config, generator) for _ in range(critics))
        self._noise = noise

    def entity_rows(self) -> Mapping[str, Rows]:
        return {"tracker.item_vectors": Rows("items")}

    def states(self, moments: Moments) -> Tensor:
        """The states (B, state_size) of `moments`."""
        states: Tensor = self.tracker(moments.users, moments.window)
        return states

    def acted(self, states: Tensor) -> Tensor:
        """The actor's vectors in `states`, (B, d), of length 1."""
        return F.normalize(self.heads["actor"](self.trunk(states)).tanh())

    def values(self, states: Tensor, vectors: Tensor) -> Tensor:
        """The critics' values of `vectors` (B, d) in `states` (B, state_size), (number of critics, B)."""
        inputs = torch.cat([states, vectors], dim=1)
        return torch.stack([critic(inputs).squeeze(1) for critic in self.critics])

    def nearest(self, vectors: Tensor, blocking: Tensor | None) -> Tensor:
        """The vectors (B, d) of the items that would be recommended for `vectors` (B, d); `blocking` is as in `Moments`."""
        return self.vectors[without_blocked(vectors @ self.vectors.T, blocking).argmax(dim=1)]

    def scores(self, moments: Moments) -> Tensor:
        return without_blocked(self.acted(self.states(moments)) @ self.vectors.T, moments.blocking)

    def exploring_scores(self, moments: Moments, generator: torch.Generator) -> Tensor:
        vectors = self.acted(self.states(moments))
        noise = torch.randn(vectors.shape, generator=generator, device=vectors.device)
        return without_blocked((vectors + self._noise * noise) @ self.vectors.T, moments.blocking)


def _critic(size: int, config: PolicyConfig, generator: torch.Generator) -> nn.Sequential:
    """Hidden layers like the policy's trunk, and one output."""
    sizes = [size, *config.hidden_sizes]
    critic = hidden_layers(sizes).append(nn.Linear(sizes[-1], 1))
    for layer in critic:
        if isinstance(layer, nn.Linear):
            initialise_linear(layer, generator)
    return critic
