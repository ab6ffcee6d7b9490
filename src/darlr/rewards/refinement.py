"""The reward table that learning rewrites, and the penalty on how much it changes (Eqs. 15 and 16)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from darlr.config.schema import RefinementConfig


@dataclass(frozen=True)
class Refined:
    """What the reference users say of n visits (user, item).

    Attributes:
        estimates: (n,) refined estimates (Eq. 15); the table's own where the reward is static.
        changes: (n,) |what Eq. 15 gives - the table's value before|, the numerator of Eq. 16.
    """

    estimates: Tensor
    changes: Tensor


class RewardTable:
    """r' of every user and item, refined at the cells that the recommender visits.

    Attributes:
        current: (n_users, n_items) float32, rewritten in place.
        initial: what it was at first, never changed.
    """

    def __init__(self, estimates: Tensor, config: RefinementConfig) -> None:
        self.current = estimates.clone()
        self.initial = estimates
        self._config = config

    def refine(self, users: Tensor, items: Tensor, references: Tensor) -> Refined:
        """Average the reference users' estimates of the item (Eq. 15).

        Args: users, items: (n,); references: (n, K) the users to average over.
        """
        source = self.current if self._config.source == "current" else self.initial
        before = self.current[users, items]
        refined = source[references, items[:, None]].mean(dim=1)
        return Refined(before if self._config.reward == "static" else refined, (refined - before).abs())

    def write(self, users: Tensor, items: Tensor, estimates: Tensor) -> None:
        """Write `estimates` (n,) to the cells (users, items); a cell visited several times gets their mean."""
        if not self._config.write_back or self._config.reward == "static":
            return
        cells, visit = torch.unique(users * self.current.shape[1] + items, return_inverse=True)
        totals = torch.zeros(len(cells), device=estimates.device).index_add_(0, visit, estimates)
        counts = torch.zeros_like(totals).index_add_(0, visit, torch.ones_like(estimates))
        self.current.view(-1)[cells] = totals / counts


def change_penalty(changes: Tensor, similarity: Tensor, diversity: Tensor, epsilon: float) -> Tensor:
    """P'_U (Eq. 16), (n,): the change of an estimate over how representative its reference users are.

    Args: similarity, diversity: (n,) means of r_s and r_d over the reference set; epsilon: the denominator's lower bound.
    """
    return changes / (similarity + diversity).clamp_min(epsilon)
