"""Offers: the candidates of some users, with the numbers by which an actor scores them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from darlr.agents.candidates import Shortlist


@dataclass(frozen=True)
class Offer:
    """The candidates of B users, with all parts of their logits that do not depend on the state.

    Attributes:
        listed: k candidates for each user.
        weights: (B, k, h) of the items.
        biases: (B, k) of the items for their user; -inf at repeated places.
    """

    listed: Shortlist
    weights: Tensor
    biases: Tensor

    def rows(self, chosen: Tensor) -> "Offer":
        """Return the offers to the users `chosen` (K,)."""
        return Offer(self.listed.rows(chosen), self.weights[chosen], self.biases[chosen])

    def logits(self, queries: Tensor, owners: Tensor) -> Tensor:
        """Return (m, k) logits of the candidates of the users `owners` (m,), in 0..B-1, for `queries` (m, h).

        The queries of a user are multiplied together, so that nobody's weights are copied for each of them.
        """
        order = owners.argsort(stable=True)
        ordered = owners[order]
        first = torch.searchsorted(ordered, ordered)
        turn = torch.empty_like(owners)
        turn[order] = torch.arange(len(owners), device=owners.device) - first
        most = int(turn.max()) + 1 if len(turn) else 0
        together = queries.new_zeros(len(self.weights), most, queries.shape[1]).index_put((owners, turn), queries)
        return torch.bmm(together, self.weights.transpose(1, 2))[owners, turn] + self.biases[owners]
