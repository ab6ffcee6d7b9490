"""The computation on a part of the users or on a slice of the items, on any machine. It depends on its arguments alone.

A user's posterior follows from the items' expectations, the noise and the users' prior, not from the former posterior. The
rows of some users are therefore enough to learn their posteriors at any time, and nothing is kept from sweep to sweep. The
same holds for items and the sums over all users. A part that is lost with a machine is computed again to the same bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from darlr.world_model.factors.background import Background
from darlr.world_model.factors.design import Design
from darlr.world_model.factors.observations import Ends, PartRows
from darlr.world_model.factors.posterior import Moments, Packing, Side
from darlr.world_model.factors.sums import Expectations, Sums, Totals


@dataclass(frozen=True)
class Entities:
    """Consecutive entities of one side.

    Attributes:
        design: their features.
        background: theirs, or None.
        block: number of entities that are updated at once.
    """

    design: Design
    background: Background | None
    block: int


@dataclass(frozen=True)
class Known:
    """The parameters that posteriors of one side are computed from.

    Attributes:
        fixed: index of an entity's entry that is always 1.
        centre, weights, prior: of the side's prior, see `Side`. The last digits of posteriors depend on the layout of
            `weights` in memory.
        noise: variance of the noise.
    """

    fixed: int
    centre: Tensor
    weights: Tensor
    prior: Tensor
    noise: float

    @classmethod
    def of(cls, side: Side, noise: float) -> "Known":
        """The prior of `side`, and the variance of the noise."""
        return cls(side.fixed, side.centre, side.weights, side.prior, noise)

    def contiguous(self) -> "Known":
        """The same in contiguous memory."""
        centre, weights, prior = (tensor.contiguous() for tensor in (self.centre, self.weights, self.prior))
        return replace(self, centre=centre, weights=weights, prior=prior)


UserPart = tuple[PartRows, Entities]
ItemSlice = tuple[Totals, Entities]


def learn_users(part: UserPart, known: Known, items: Expectations, slices: Sequence[Ends]) -> tuple[Moments, Sequence[Totals]]:
    """The contributions of a part's users to their prior, and to each of the `slices` of the items."""
    rows, users = part
    side, moments = _users(part, known, items, with_covariances=False)
    expectations = Expectations.of(side.means, side.products, users.background)
    return moments, rows.by_item.totals(expectations).cut(slices)


def learn_items(part: ItemSlice, known: Known) -> tuple[Moments, Expectations]:
    """The contributions of a slice's items to their prior, and their posteriors as users need them."""
    side, moments = _items(part, known, with_covariances=False)
    return moments, Expectations.of(side.means, side.products, part[1].background)


def turned_users(part: UserPart, known: Known, items: Expectations, matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The users' posteriors, turned by a matrix (e, e): means (n, e) float64, covariances (n, f, f) float32."""
    return _turned(_users(part, known, items, with_covariances=True)[0], matrix)


def turned_items(part: ItemSlice, known: Known, matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The items' posteriors, turned by a matrix (e, e): means (n, e) float64, covariances (n, f, f) float32."""
    return _turned(_items(part, known, with_covariances=True)[0], matrix)


def _users(part: UserPart, known: Known, items: Expectations, *, with_covariances: bool) -> tuple[Side, Moments]:
    rows, users = part
    return _posteriors(rows.by_user.against(items, users.background), users, known, with_covariances)


def _items(part: ItemSlice, known: Known, *, with_covariances: bool) -> tuple[Side, Moments]:
    totals, items = part
    return _posteriors(totals.of(items.background), items, known, with_covariances)


def _posteriors(sums: Sums, entities: Entities, known: Known, with_covariances: bool) -> tuple[Side, Moments]:
    """The entities' posteriors, and the sums over them that their prior is fitted to. A sweep needs no covariances."""
    n, device = len(sums), known.prior.device
    packing = Packing(len(known.centre), known.fixed, device)
    means = torch.zeros(n, len(known.centre), dtype=torch.float64, device=device)
    means[:, known.fixed] = 1.0
    side = Side(
        known.fixed,
        means,
        means.new_empty(n if with_covariances else 0, *known.prior.shape),
        means.new_empty(n, len(packing.rows)),
        packing,
        entities.design,
        known.centre,
        known.weights,
        known.prior,
    )
    return side, side.update(sums, known.noise, entities.block)


def _turned(side: Side, matrix: Tensor) -> tuple[Tensor, Tensor]:
    side.turn(matrix)
    return side.means, side.covariances.float()
