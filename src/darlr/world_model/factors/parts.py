"""The computation on one part of the users, on any machine. It depends on its arguments alone.

A user's posterior follows from the items' side, the noise and the users' prior, not from the former posterior. The rows of
some users are therefore enough to learn their posteriors at any time, and nothing is kept from sweep to sweep. A part that
is lost with a machine is computed again to the same bits.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from darlr.world_model.factors.design import Design
from darlr.world_model.factors.observations import PartRows
from darlr.world_model.factors.posterior import Moments, Packing, Side
from darlr.world_model.factors.sums import Totals


@dataclass(frozen=True)
class Part:
    """A part of the users.

    Attributes:
        rows: their logged rows.
        design: their features.
        block: number of users that are updated at once.
    """

    rows: PartRows
    design: Design
    block: int


@dataclass(frozen=True)
class Known:
    """The parameters, beside their rows, that users' posteriors are computed from.

    Attributes:
        item_means, item_products: (I, e) E h and (I, p) E h h'.
        fixed: index of a user's entry that is always 1.
        centre, weights, prior: of the users' prior, see `Side`.
        noise: variance of the noise.
    """

    item_means: Tensor
    item_products: Tensor
    fixed: int
    centre: Tensor
    weights: Tensor
    prior: Tensor
    noise: float

    @classmethod
    def of(cls, users: Side, items: Side, noise: float) -> "Known":
        """Copy the parameters from both sides.

        The copies stay the same while the items' side is updated in place. Their memory layout is contiguous, because the
        last digits depend on it.

        Args:
            users: only the prior is read.
            items: the items' side.
            noise: variance of the noise.
        """
        centre, weights, prior = (tensor.contiguous() for tensor in (users.centre, users.weights, users.prior))
        return cls(items.means.clone(), items.products.clone(), users.fixed, centre, weights, prior, noise)


@dataclass(frozen=True)
class Learned:
    """The contributions of a part's users to their prior and to the items."""

    moments: Moments
    totals: Totals


def learn(part: Part, known: Known) -> Learned:
    """The users' contributions to their prior and to the items."""
    side, moments = _posteriors(part, known)
    return Learned(moments, part.rows.by_item.totals(side.means, side.products))


def turned(part: Part, given: tuple[Known, Tensor]) -> tuple[Tensor, Tensor]:
    """The users' posteriors, turned by a matrix (e, e): means (n, e) float64, covariances (n, f, f) float32."""
    known, matrix = given
    side, _ = _posteriors(part, known)
    side.turn(matrix)
    return side.means, side.covariances.float()


def _posteriors(part: Part, known: Known) -> tuple[Side, Moments]:
    first, last = part.rows.users
    n, device = last - first, known.prior.device
    packing = Packing(len(known.centre), known.fixed, device)
    means = torch.zeros(n, len(known.centre), dtype=torch.float64, device=device)
    means[:, known.fixed] = 1.0
    side = Side(
        known.fixed,
        means,
        means.new_empty(n, *known.prior.shape),
        means.new_empty(n, len(packing.rows)),
        packing,
        part.design,
        known.centre,
        known.weights,
        known.prior,
    )
    moments = side.update(part.rows.by_user.against(known.item_means, known.item_products), known.noise, part.block)
    return side, moments
