"""Candidates of a policy on a belief, with all that their expected responses follow from."""

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from darlr.agents.believing.factors import FactorBelief, plus_products
from darlr.agents.candidates import Shortlist


@dataclass(frozen=True)
class FactorShortlist(Shortlist):
    """k candidates for each of B users, with their responses.

    Attributes:
        intercepts, loadings: (B, k), (B, k, d) of the items.
    """

    intercepts: Tensor
    loadings: Tensor

    @classmethod
    def of(cls, belief: FactorBelief, listed: Shortlist) -> Self:
        """Return the candidates `listed` with the responses that `belief` knows."""
        items = listed.items
        return cls(items, listed.repeated, listed.categories, belief.intercepts[items], belief.loadings[items])

    def expect(self, factors: Tensor) -> Tensor:
        """Return (B, k) expected responses of users with `factors` (B, d)."""
        return plus_products(self.intercepts, self.loadings, factors)
