"""From scores to items: how a policy acts in a roll-out.

An item is *blocked* where it may not be recommended. `blocked` (B, n_items) bool says which items are; `blocked_items` (B, T)
lists them; `blocking` (B, n_items) float32 is -inf for them and 0 for the others, to be added to scores. Where gradients flow,
adding is two to three times faster than filling.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from darlr.simulator.simulator import Simulator
from darlr.world.window import OUTSIDE, Window

WHOLE_EPISODE = sys.maxsize
"""The lookback of a scorer that has to see every answer since the episode began."""


class Scorer(ABC):
    """Orders the items for users, and says with what probability it would recommend each.

    Attributes:
        lookback: how many of the user's last answers, the rewards of the window, it has to see; 0 if it orders the items alike
            whatever the user gives. A test shows at least as many, or the whole episode.
    """

    lookback: int = 0

    @abstractmethod
    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        """(B, n_items) float32 for `users` (B,), rows of the world, after `window`; the greatest is the best.

        Args:
            blocked: (B, n_items) bool, items that may not be recommended: their score is -inf.
        """

    def probabilities(self, scores: Tensor) -> Tensor:
        """(B, n_items) of what the call gave: the softmax, where a policy does not say otherwise."""
        return scores.softmax(dim=1)

    def among(self, users: Tensor, window: Window) -> "Among | None":
        """The items that it chooses among in an episode, with their scores; None where it scores all of them."""
        return None

    def expected_rewards(self, users: Tensor, window: Window) -> Tensor | None:
        """(B, n_items) what the policy expects `users` (B,) to give after `window`, in units of reward.

        None where it has no expectation of its own beside the world model's estimate.
        """
        return None

    def judge(self, users: Tensor, window: Window, blocked: Tensor) -> tuple[Tensor, Tensor | None]:
        """Its scores and its `expected_rewards`, for less than what the two cost apart."""
        return self(users, window, blocked), self.expected_rewards(users, window)

    def reasons(self, users: Tensor, window: Window, items: Tensor) -> "Reasons | None":
        """Why it expects what it expects of `items` (B, k); None where `expected_rewards` is."""
        return None


@dataclass(frozen=True)
class Among:
    """Some items of B users and their scores, (B, k) each; -inf where a place may not be chosen. `Scorer` says more."""

    items: Tensor
    scores: Tensor

    def without(self, blocked: Tensor | None) -> "Among":
        """The same, less the places `blocked` (B, k) bool."""
        return Among(self.items, mask_logits(self.scores, blocked))

    @property
    def free(self) -> bool:
        """Whether there is something to choose for everybody."""
        return bool((self.scores > float("-inf")).any(dim=1).all())


@dataclass(frozen=True)
class Reasons:
    """What B expectations of k items each are made of, in units of reward.

    Attributes:
        estimates: (B, k) before the answers of the window.
        changes: (B, L, k) what each position of the window added; 0 at start and absence.
        penalties: (B, k) by how much less an item counts since it shares a category with recent ones.
    """

    estimates: Tensor
    changes: Tensor
    penalties: Tensor


def greedy(scorer: Scorer) -> Callable[[Simulator], Tensor]:
    """Choose the item with the highest score, the lowest column among equals."""

    def choose(simulator: Simulator) -> Tensor:
        if (among := _among(scorer, simulator)) is not None:
            return among.items.gather(1, among.scores.argmax(dim=1, keepdim=True)).squeeze(1)
        return scorer(simulator.users, simulator.window, simulator.blocked).argmax(dim=1)

    return choose


def sampled(scorer: Scorer, generator: torch.Generator) -> Callable[[Simulator], Tensor]:
    """Draw the item with the scorer's own probabilities."""

    def choose(simulator: Simulator) -> Tensor:
        if (among := _among(scorer, simulator)) is not None:
            places = draw_items(scorer.probabilities(among.scores), generator)
            return among.items.gather(1, places[:, None]).squeeze(1)
        scores = scorer(simulator.users, simulator.window, simulator.blocked)
        return draw_items(scorer.probabilities(scores), generator)

    return choose


def _among(scorer: Scorer, simulator: Simulator) -> Among | None:
    """What `scorer` chooses among now; None where that is all items, or where nothing of it is left for somebody."""
    if (among := scorer.among(simulator.users, simulator.window)) is None:
        return None
    left = among.without(simulator.blocked_at(among.items))
    return left if left.free else None


def mask_logits(logits: Tensor, blocked: Tensor | None) -> Tensor:
    """`logits` (B, n_items) with -inf where `blocked`."""
    return logits if blocked is None else logits.masked_fill(blocked, float("-inf"))


def blocking_items(blocked_items: Tensor, n_items: int) -> Tensor:
    """(B, n_items) float32: -inf at the row's `blocked_items`, else 0.

    Args:
        blocked_items: (B, T) columns of the world, each row filled up with columns from outside (`absent_item`).
    """
    blocking = torch.zeros(len(blocked_items), n_items + OUTSIDE, device=blocked_items.device)
    return blocking.scatter_(1, blocked_items, float("-inf"))[:, :n_items]


def behind(scores: Tensor, later: Tensor) -> Tensor:
    """`scores` (B, n) with the `later` items (B, n) bool after all others, in their own order: none is lost."""
    span = scores.amax(dim=1, keepdim=True) - scores.amin(dim=1, keepdim=True) + 1
    return scores - span * later


def best_alone(scores: Tensor) -> Tensor:
    """(B, n_items) probabilities of a policy that always recommends its best item, also when it is asked to sample."""
    return F.one_hot(scores.argmax(dim=1), scores.shape[1]).to(scores.dtype)


def sample_items(logits: Tensor, generator: torch.Generator) -> Tensor:
    """(B,) items drawn from softmax(`logits` (B, n_items)); one whose logit is -inf is never drawn."""
    return draw_items(logits.softmax(dim=1), generator)


def draw_items(probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """(B,) items drawn with `probabilities` (B, n_items) by inverting their cumulated sums.

    An item of probability 0 is never drawn: its cumulated probability equals its predecessor's.
    """
    cumulated = probabilities.cumsum(dim=1)
    uniform = torch.rand(len(probabilities), 1, generator=generator, device=probabilities.device)
    items = torch.searchsorted(cumulated, uniform * cumulated[:, -1:], right=True)
    items.clamp_(max=probabilities.shape[1] - 1)  # NaN inputs still give a valid item; the loss check reports them
    if probabilities.is_cuda:  # a parallel sum may rise by rounding at an item of probability 0
        items = torch.where(probabilities.gather(1, items) > 0, items, probabilities.argmax(dim=1, keepdim=True))
    return items.squeeze(1)
