"""From scores to items: how a policy acts in a roll-out."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from darlr.rewards.source import Window
from darlr.simulator.simulator import Simulator


class Scorer(Protocol):
    """Scores every item for B users: the logits of a learned policy, or any score of a static one."""

    def __call__(self, users: Tensor, window: Window) -> Tensor:
        """(B, n_items) float32 for `users` (B,), rows of the world, after `window`."""
        ...


def greedy(scorer: Scorer) -> Callable[[Simulator], Tensor]:
    """Choose the item with the highest score, the lowest column among equals."""
    return lambda simulator: mask_logits(scorer(simulator.users, simulator.window), simulator.blocked).argmax(dim=1)


def sampled(scorer: Scorer, generator: torch.Generator) -> Callable[[Simulator], Tensor]:
    """Draw the item from the softmax of the scores."""
    return lambda simulator: sample_items(mask_logits(scorer(simulator.users, simulator.window), simulator.blocked), generator)


def mask_logits(logits: Tensor, blocked: Tensor | None) -> Tensor:
    """`logits` (B, n_items) with -inf where `blocked`."""
    return logits if blocked is None else logits.masked_fill(blocked, float("-inf"))


def sample_items(logits: Tensor, generator: torch.Generator) -> Tensor:
    """(B,) items drawn from softmax(`logits` (B, n_items)) by inverting the cumulated probabilities.

    An item whose logit is -inf is never drawn: its cumulated probability equals its predecessor's.
    """
    probabilities = logits.softmax(dim=1)
    cumulated = probabilities.cumsum(dim=1)
    uniform = torch.rand(len(logits), 1, generator=generator, device=logits.device)
    items = torch.searchsorted(cumulated, uniform * cumulated[:, -1:], right=True)
    items.clamp_(max=logits.shape[1] - 1)  # logits that are not numbers name an item too: the loss will tell of them
    if logits.is_cuda:  # a parallel sum may rise by rounding at an item of probability 0
        items = torch.where(probabilities.gather(1, items) > 0, items, probabilities.argmax(dim=1, keepdim=True))
    return items.squeeze(1)
