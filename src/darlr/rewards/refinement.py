"""The reward table that learning rewrites, and the penalty on how much it changes (Eqs. 15 and 16)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from darlr.rewards.settings import RefinementConfig


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
        self._levels = estimates.mean(dim=1) if config.keep_levels else torch.zeros_like(estimates[:, 0])
        self._config = config

    def transferred(self, users: Tensor, items: Tensor, references: Tensor) -> Tensor:
        """(n, K) the references' estimates for the item, as they are or, with `keep_levels`, moved to the user's level.

        Cosines do not see how generous a user is, so references may rate all higher or lower than the user does.

        Args: users, items: (n,); references: (n, K) users.
        """
        source = self.current if self._config.source == "current" else self.initial
        return source[references, items[:, None]] - self._levels[references] + self._levels[users, None]

    def refine(self, users: Tensor, items: Tensor, transferred: Tensor) -> Refined:
        """Average the reference users' estimates of the item (Eq. 15).

        Args: users, items: (n,); transferred: (n, K), what `transferred` gave.
        """
        before = self.current[users, items]
        refined = transferred.mean(dim=1)
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
