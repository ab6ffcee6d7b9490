"""Candidates: the items that a policy on a belief chooses among, if there are too many items to score all of them at every
step.
"""

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.believing.factors import FactorBelief

CELLS_AT_ONCE = 20_000_000
"""The number of user-item pairs that are scored at once; it bounds the memory of a search."""


@dataclass(frozen=True)
class Shortlist:
    """k candidates for each of B users.

    Attributes:
        items: (B, k) int64 columns of the world.
        repeated: (B, k) bool, places whose item occurs earlier in the row; they may not be chosen.
        intercepts, loadings: (B, k), (B, k, d) of the items.
        categories: (B, k, S) int64 categories of the items; unused places hold a category that no window counts.
    """

    items: Tensor
    repeated: Tensor
    intercepts: Tensor
    loadings: Tensor
    categories: Tensor

    def rows(self, chosen: Tensor) -> "Shortlist":
        """Return the candidates of the users `chosen` (K,)."""
        return Shortlist(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def expect(self, factors: Tensor) -> Tensor:
        """Return (B, k) expected responses of users with `factors` (B, d)."""
        return torch.baddbmm(self.intercepts[:, :, None], self.loadings, factors[:, :, None]).squeeze(2)

    def shares(self, counts: Tensor) -> Tensor:
        """Return (B, k) 1 if an item has a category whose `counts` (B, C) are above 0, else 0."""
        padded = F.pad(counts, (0, 1))
        found = padded.gather(1, self.categories.flatten(1)).view(self.categories.shape)
        return found.amax(dim=2).clamp_(max=1.0)


class Candidates(nn.Module):
    """Finds, for each user, the `count` best items before the episode, and the best ones of each category.

    An episode of T steps may have to go through all C categories in turn. That takes T / C items of each, rounded up, so
    these are always among the candidates. Hence a policy can keep users who leave over categories
    (docs/methods/bayes-adaptive.md).
    """

    _categories: Tensor

    def __init__(self, membership: Tensor, count: int, max_steps: int) -> None:
        """
        Args:
            membership: (n_items, C), whether an item has a category.
            count: number of best items.
            max_steps: T.
        """
        super().__init__()
        member = membership.bool()
        n_items, n_categories = member.shape
        self._count = min(count, n_items)
        self._depth = -(-max_steps // n_categories) if n_categories else 0
        slots = int(member.sum(dim=1).max()) if n_categories else 0
        codes = torch.full((n_items, max(1, slots)), n_categories)
        rows, columns = member.nonzero(as_tuple=True)
        first = torch.searchsorted(rows, torch.arange(n_items))
        codes[rows, torch.arange(len(rows)) - first[rows]] = columns
        self.register_buffer("_categories", codes, persistent=False)
        self._members = [members for column in member.T if len(members := column.nonzero().squeeze(1))]

    @torch.no_grad()
    def of(self, belief: FactorBelief, users: Tensor) -> Shortlist:
        """Return the candidates of `users` (B,), rows of the world, by the responses that `belief` expects before their
        episodes.
        """
        step = max(1, CELLS_AT_ONCE // belief.n_items)
        found = torch.cat([self._best(belief, part) for part in torch.split(users, step)])
        items, order = found.sort(dim=1, stable=True)
        repeated = torch.zeros_like(found, dtype=torch.bool)
        repeated.scatter_(1, order, F.pad(items[:, 1:] == items[:, :-1], (1, 0)))
        return Shortlist(found, repeated, belief.intercepts[found], belief.loadings[found], self._categories[found])

    def _best(self, belief: FactorBelief, users: Tensor) -> Tensor:
        """Return (B, k) columns, by the responses expected from `users` (B,)."""
        best = [belief.expected_rows(users).topk(self._count, dim=1).indices]
        for members in self._members:
            own = members.to(users.device)
            best.append(own[belief.expected_rows(users, own).topk(min(self._depth, len(own)), dim=1).indices])
        return torch.cat(best, dim=1)


class Kept:
    """Keeps the candidates of the last users, because an episode asks for the same users at every step."""

    def __init__(self, candidates: Candidates, belief: FactorBelief) -> None:
        self._candidates, self._belief = candidates, belief
        self._last: tuple[Tensor, Shortlist] | None = None

    def of(self, users: Tensor) -> Shortlist:
        """Return the candidates of `users` (B,)."""
        last = self._last
        if last is None or not bool(torch.isin(users, last[0]).all()):
            distinct: Tensor = torch.unique(users)
            last = self._last = distinct, self._candidates.of(self._belief, distinct)
        return last[1].rows(torch.searchsorted(last[0], users))
