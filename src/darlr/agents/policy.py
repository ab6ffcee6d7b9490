"""The interface of every policy, and the actor-critic network: a state tracker, a trunk that actor and critic share, and a
head.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from darlr.agents.acting import Among, Scorer, mask_logits
from darlr.agents.candidates import Candidates, Kept, Shortlist
from darlr.agents.networks.encoder import initialise_linear
from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offer import Offer
from darlr.agents.prior import Prior
from darlr.agents.settings import PolicyConfig
from darlr.artifacts.schema import Shape, shapes_of
from darlr.rewards.estimates.interface import Estimates
from darlr.world.categories import CategoryMemory
from darlr.world.window import Window


@dataclass(frozen=True)
class Rows:
    """The meaning of a parameter's rows: `each` rows for every item of the world (or every category) in turn, then other
    rows.
    """

    whose: Literal["items", "categories"]
    each: int = 1


class Policy(nn.Module):
    """A policy that recommends; its parameters and persistent buffers are saved.

    Attributes:
        knows_log: whether a user's row already contains the user's log, so that a window must not show the log again.
    """

    knows_log: bool = False

    def entity_rows(self) -> Mapping[str, Rows]:
        """Return the parameters with rows of items or categories, by name; the others have the same size for any items."""
        return {}

    def scorer(self) -> Scorer:
        """Return a scorer of the policy in its present state, for acting without gradients."""
        raise NotImplementedError

    def average_user(self) -> dict[str, Tensor]:
        """Return the means (1, ...) of the rows of users, which stand for an unknown user; empty if the policy ignores
        users.
        """
        raise NotImplementedError

    def saved_shapes(self) -> dict[str, Shape]:
        """Return the type and sizes of every saved tensor by name; a size given as a name is free."""
        return shapes_of(self.state_dict())

    def append_user(self, rows: Mapping[str, Tensor]) -> None:
        """Add one user to the policy, with the rows (1, ...) that `average_user` returned."""
        raise NotImplementedError


def trunk_of(state_size: int, config: PolicyConfig) -> tuple[nn.Sequential, int]:
    """Make the hidden layers over a state, not yet initialised; also return the size of their output.

    Args:
        state_size: size of the state.
        config: the policy's settings.
    """
    sizes = [state_size, *config.hidden_sizes]
    return hidden_layers(sizes), sizes[-1]


def hidden_layers(sizes: Sequence[int]) -> nn.Sequential:
    """Make linear layers from each of `sizes` to the next, each followed by a ReLU, not yet initialised."""
    layers = nn.Sequential()
    for fan_in, fan_out in pairwise(sizes):
        layers.append(nn.Linear(fan_in, fan_out)).append(nn.ReLU())
    return layers


class ActorCritic(Policy):
    """Scores every item of the world and values the state.

    There are two heads (`PolicyConfig.head`):

    - linear: one weight vector for each item, as in the reference code.
    - tied: an item's weight vector is a projection of its vector in the state tracker plus the sum of its categories'
      vectors, so that learning about a category carries over to its items.

    Two optional terms are added to the logits:

    - `prior_weight` times the world model's standardised estimates for the user.
    - a learned weight, if the item shares a category with one of the last `category_window` items. With a prior, its unit
      is the prior's, times `prior_weight` if that is more than 1.

    Attributes:
        candidates: the items that it chooses among in episodes; None: all. It ranks all items in either case.
    """

    def __init__(
        self,
        config: PolicyConfig,
        tracker: StateTracker,
        membership: Tensor,
        prior: Estimates | Tensor | None,
        generator: torch.Generator,
        candidates: Candidates | None = None,
    ) -> None:
        """
        Args:
            config: sizes and optional terms.
            tracker: encodes the state.
            membership: (n_items, C) float32, 1 where an item has a category.
            prior: (n_users, n_items) float32, in a table or on request; None if `prior_weight` is 0.
            generator: draws the initial weights.
            candidates: the items that it chooses among in episodes; None: all.
        """
        super().__init__()
        self.config = config
        self.tracker = tracker
        self.n_items = len(membership)
        self.categories = CategoryMemory(membership)
        self.prior = None if prior is None else Prior(prior)
        self.candidates = candidates
        self.trunk, size = trunk_of(tracker.state_size, config)
        self.critic = nn.Linear(size, 1)
        self.actor = nn.Linear(size, self.n_items if config.head == "linear" else size)
        for linear in [*self.trunk, self.critic, self.actor]:
            if isinstance(linear, nn.Linear):
                initialise_linear(linear, generator)
        if config.head == "tied":
            vector_size = tracker.item_vectors.shape[1]
            self.item_projection = nn.Linear(vector_size, size, bias=False)
            nn.init.normal_(self.item_projection.weight, std=vector_size**-0.5, generator=generator)
            self.category_vectors = nn.Parameter(torch.zeros(membership.shape[1], size))
            self.item_bias = nn.Parameter(torch.zeros(self.n_items))
        if config.category_window:
            self.shared_category_weight = nn.Parameter(torch.zeros(1))

    def action_weights(self) -> tuple[Tensor, Tensor]:
        """Return weights (n_items, h) and biases (n_items,) of the items, which are the same for all states."""
        if self.config.head == "linear":
            return self.actor.weight, self.actor.bias
        vectors = self.item_projection(self.tracker.item_vectors[: self.n_items])
        return vectors + self.categories.membership @ self.category_vectors, self.item_bias

    def forward(self, users: Tensor, window: Window, weights: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Return logits (B, n_items) and values (B,) for users (B,) after `window`; `weights` may hold `action_weights()`."""
        query, value = self._read(users, window)
        weight, bias = self.action_weights() if weights is None else weights
        logits = torch.addmm(bias, query, weight.T)
        if self.prior is not None:
            logits = logits + self.config.prior_weight * self.prior.rows(users)
        if self.config.category_window:
            shared = self.categories.shares(window.last(self.config.category_window).items)
            logits = logits + self._unit * self.shared_category_weight * shared
        return logits, value

    def offer(self, users: Tensor, listed: Shortlist, weights: tuple[Tensor, Tensor] | None = None) -> Offer:
        """Return the candidates `listed` of `users` (B,) with their weights; `weights` may hold `action_weights()`."""
        weight, bias = self.action_weights() if weights is None else weights
        biases = bias[listed.items].masked_fill(listed.repeated, float("-inf"))
        if self.prior is not None:
            biases = biases + self.config.prior_weight * self.prior.cells(users, listed.items)
        return Offer(listed, nn.functional.embedding(listed.items, weight), biases)

    def among(self, users: Tensor, window: Window, offer: Offer, owners: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (B, k) of candidates, and values (B,); row `owners` (B,) of the `offer` belongs to each user."""
        query, value = self._read(users, window)
        logits = offer.logits(query, owners)
        if self.config.category_window:
            counts = self.categories.counts(window.last(self.config.category_window).items)
            logits = logits + self._unit * self.shared_category_weight * offer.listed.shares(counts, owners)
        return logits, value

    def _read(self, users: Tensor, window: Window) -> tuple[Tensor, Tensor]:
        """Return the vectors (B, h) that items' weights are multiplied with, and values (B,)."""
        hidden = self.trunk(self.tracker(users, window))
        value = self.critic(hidden).squeeze(1)
        return hidden if self.config.head == "linear" else self.actor(hidden), value

    @property
    def _unit(self) -> float:
        """The unit of the learned weight of shared categories."""
        return max(1.0, self.config.prior_weight)

    def entity_rows(self) -> Mapping[str, Rows]:
        rows = {"tracker.item_vectors": Rows("items")}
        if self.config.head == "linear":
            return {**rows, "actor.weight": Rows("items"), "actor.bias": Rows("items")}
        return {**rows, "item_bias": Rows("items"), "category_vectors": Rows("categories")}

    def average_user(self) -> dict[str, Tensor]:
        vectors = self.tracker.user_vectors
        informed = {} if self.prior is None else {"prior": self.prior.average()}
        return informed | ({"user_vectors": vectors.mean(dim=0, keepdim=True)} if vectors.shape[1] else {})

    def append_user(self, rows: Mapping[str, Tensor]) -> None:
        if self.prior is not None:
            self.prior.append(rows["prior"])
        if "user_vectors" in rows:
            self.tracker.user_vectors = torch.cat([self.tracker.user_vectors, rows["user_vectors"]])

    def scorer(self) -> Scorer:
        return _LogitScorer(self)


class _LogitScorer(Scorer):
    """Scores items by an actor's logits; the items' weights are computed once."""

    def __init__(self, policy: ActorCritic) -> None:
        self._policy = policy
        with torch.no_grad():
            self._weights = policy.action_weights()
        candidates = policy.candidates
        find = None if candidates is None else lambda users: policy.offer(users, candidates.of(users), self._weights)
        self._kept = None if find is None else Kept(find)

    @torch.no_grad()
    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return mask_logits(self._policy(users, window, self._weights)[0], blocked)

    @torch.no_grad()
    def among(self, users: Tensor, window: Window) -> Among | None:
        if self._kept is None:
            return None
        offer, owners = self._kept.of(users)
        return Among(offer.listed.items[owners], self._policy.among(users, window, offer, owners)[0])
