"""What the offline agents share: a state tracker, a trunk, linear heads, and the batch that their losses are computed on."""

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
        window: what was visible, (B, L).
        blocking: (B, n_items) float32, to be added to scores: -inf for blocked items, else 0; or None.
    """

    users: Tensor
    window: Window
    blocking: Tensor | None


@dataclass(frozen=True)
class Batch:
    """B logged steps.

    Attributes:
        now: before the step.
        items: (B,) what was recommended.
        returns: (B,) rewards of the next n steps, discounted (see `n_step_returns`).
        discounts: (B,) what a value of `after` counts, 0 where the episode ended before.
        make_after: makes `after`.
    """

    now: Moments
    items: Tensor
    returns: Tensor
    discounts: Tensor
    make_after: Callable[[], Moments]

    @cached_property
    def after(self) -> Moments:
        """n steps later; made when it is asked for, since losses without a target need none."""
        return self.make_after()


class OfflinePolicy(Policy):
    """Base of the policies that are learned from logged steps.

    Attributes:
        deterministic: whether the policy, as its authors act with it, always recommends its best item.
        normalised: whether the returns that it learns from are of rewards from 0 to 1, the range that the log declares, so that
            the worst answer counts nothing.
        n_items: how many items it scores.
        hidden_size: what the heads read has so many values.
        sequence: how many logged steps it learns from for each one that is drawn.
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
        """Args:
        outputs: sizes of the linear heads, by name; as many outputs for every item, side by side.
        state_size: of what the trunk reads, if that is not the tracker's state.
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
        """How many positions of an episode it looks at."""
        return self.tracker.window

    def read(self, replay: Replay) -> None:
        """Take from the logged steps what stays the same while they are learned from; most policies take nothing."""

    def hidden(self, moments: Moments) -> Tensor:
        """(B, h) what the heads read."""
        hidden: Tensor = self.trunk(self.tracker(moments.users, moments.window))
        return hidden

    def scores(self, moments: Moments) -> Tensor:
        """(B, n_items) how the policy orders the items, -inf where blocked."""
        raise NotImplementedError

    def losses(self, batch: Batch, target: "OfflinePolicy") -> tuple[Tensor, dict[str, Tensor]]:
        """The loss to be minimised, and its parts by name.

        Args:
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
    """(B, width) outputs of a linear `head` for one item a row of `hidden` (B, h), as if all had been computed.

    Args:
        items: (B,), whose outputs are wanted.
        width: outputs that an item has, side by side.
    """
    assert isinstance(head, nn.Linear)
    weight = F.embedding(items, head.weight.view(-1, width * head.in_features)).view(len(items), width, -1)
    return (weight * hidden[:, None]).sum(dim=2) + F.embedding(items, head.bias.view(-1, width))


def without_blocked(scores: Tensor, blocking: Tensor | None) -> Tensor:
    """`scores` (B, n) with -inf at blocked items; blocking: as in `Moments`."""
    return scores if blocking is None else scores + blocking


class StateScorer(Scorer):
    """An offline policy, acting without gradients."""

    def __init__(self, policy: OfflinePolicy) -> None:
        self.policy = policy

    @torch.no_grad()
    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        blocking = None if blocked is None else mask_logits(torch.zeros_like(blocked, dtype=torch.float32), blocked)
        return self.policy.scores(Moments(users, window, blocking))

    def probabilities(self, scores: Tensor) -> Tensor:
        return best_alone(scores) if self.policy.deterministic else super().probabilities(scores)
