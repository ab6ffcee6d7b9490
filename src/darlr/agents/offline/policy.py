"""The common parts of the offline agents: a state tracker, a trunk, linear heads, and the batch that their losses need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.acting import Scorer, best_alone, mask_logits
from darlr.agents.networks.encoder import initialise_linear
from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.replay import Replay
from darlr.agents.policy import Policy, Rows, trunk_of
from darlr.agents.settings import PolicyConfig
from darlr.world.window import Window


@dataclass(frozen=True)
class Moments:
    """B moments before a recommendation.

    Attributes:
        users: (B,) rows of the world.
        window: (B, L) the visible part of the episode.
        blocking: (B, n_items) float32, added to scores: -inf for blocked items, else 0; or None.
    """

    users: Tensor
    window: Window
    blocking: Tensor | None


@dataclass(frozen=True)
class Batch:
    """B logged steps.

    Attributes:
        now: the moments before the steps.
        items: (B,) the recommended items.
        returns: (B,) discounted rewards of the next n steps (see `n_step_returns`).
        discounts: (B,) factor of a value at `after`, 0 where the episode ended before.
        make_after: computes `after`.
    """

    now: Moments
    items: Tensor
    returns: Tensor
    discounts: Tensor
    make_after: Callable[[], Moments]

    @cached_property
    def after(self) -> Moments:
        """The moments n steps later. They are computed on demand, because losses without a target need none."""
        return self.make_after()


class OfflinePolicy(Policy):
    """Base class of the policies that are learned from logged steps.

    Attributes:
        deterministic: whether the policy always recommends its best item, as its authors act with it.
        normalised: whether returns are computed from rewards in 0..1, normalised by the range that the log declares, so
            that the worst answer counts nothing.
        n_items: number of items that it scores.
        hidden_size: number of values that the heads read.
        sequence: number of logged steps that it learns from for each drawn step.
    """

    deterministic: ClassVar[bool] = True
    normalised: ClassVar[bool] = False
    sequence: int = 1

    def __init__(
        self,
        config: PolicyConfig,
        tracker: StateTracker,
        n_items: int,
        outputs: Mapping[str, int],
        generator: torch.Generator,
        state_size: int | None = None,
    ) -> None:
        """
        Args:
            config: the policy's settings.
            tracker: the state tracker.
            n_items: number of items.
            outputs: sizes of the linear heads, by name. Every item has equally many outputs, side by side.
            generator: draws the initial weights.
            state_size: size of the trunk's input, if it is not the tracker's state.
        """
        super().__init__()
        self.tracker, self.n_items = tracker, n_items
        self.trunk, self.hidden_size = trunk_of(state_size or tracker.state_size, config)
        self.heads = nn.ModuleDict({name: nn.Linear(self.hidden_size, width) for name, width in outputs.items()})
        for linear in [*self.trunk, *self.heads.values()]:
            if isinstance(linear, nn.Linear):
                initialise_linear(linear, generator)

    @property
    def lookback(self) -> int:
        """Number of positions of an episode that it reads."""
        return self.tracker.window

    def read(self, replay: Replay) -> None:
        """Compute constants from the logged steps before learning; most policies need none."""

    def hidden(self, moments: Moments) -> Tensor:
        """The heads' input, (B, h)."""
        hidden: Tensor = self.trunk(self.tracker(moments.users, moments.window))
        return hidden

    def scores(self, moments: Moments) -> Tensor:
        """The scores (B, n_items) by which the policy orders items, -inf where blocked."""
        raise NotImplementedError

    def losses(self, batch: Batch, target: "OfflinePolicy") -> tuple[Tensor, dict[str, Tensor]]:
        """The loss to be minimised (scalar), and its parts by name.

        Args:
            batch: B logged steps.
            target: this policy some updates ago; an instance of the same class.
        """
        raise NotImplementedError

    def scorer(self) -> Scorer:
        return StateScorer(self)

    def entity_rows(self) -> Mapping[str, Rows]:
        rows = {"tracker.item_vectors": Rows("items")}
        for name, head in self.heads.items():
            assert isinstance(head, nn.Linear)
            each = Rows("items", head.out_features // self.n_items)
            rows |= {f"heads.{name}.weight": each, f"heads.{name}.bias": each}
        return rows

    def average_user(self) -> dict[str, Tensor]:
        vectors = self.tracker.user_vectors
        return {"user_vectors": vectors.mean(dim=0, keepdim=True)} if vectors.shape[1] else {}

    def append_user(self, rows: Mapping[str, Tensor]) -> None:
        if "user_vectors" in rows:
            self.tracker.user_vectors = torch.cat([self.tracker.user_vectors, rows["user_vectors"]])


def outputs_of(head: nn.Module, hidden: Tensor, items: Tensor, width: int = 1) -> Tensor:
    """The outputs of a linear head for one item a row, as if all had been computed, (B, width).

    Args:
        head: the linear head.
        hidden: (B, h).
        items: (B,).
        width: number of outputs of an item, side by side.
    """
    assert isinstance(head, nn.Linear)
    weight = F.embedding(items, head.weight.view(-1, width * head.in_features)).view(len(items), width, -1)
    return (weight * hidden[:, None]).sum(dim=2) + F.embedding(items, head.bias.view(-1, width))


def without_blocked(scores: Tensor, blocking: Tensor | None) -> Tensor:
    """`scores` (B, n) with -inf at blocked items; `blocking` is as in `Moments`."""
    return scores if blocking is None else scores + blocking


class StateScorer(Scorer):
    """An offline policy as a scorer, without gradients."""

    def __init__(self, policy: OfflinePolicy) -> None:
        self.policy = policy

    @torch.no_grad()
    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        blocking = None if blocked is None else mask_logits(torch.zeros_like(blocked, dtype=torch.float32), blocked)
        return self.policy.scores(Moments(users, window, blocking))

    def probabilities(self, scores: Tensor) -> Tensor:
        return best_alone(scores) if self.policy.deterministic else super().probabilities(scores)
