"""Cells of users who are near one another, and a search for nearest users that looks into the cells around them alone.

A user's nearest users lie in its own cell and in cells whose centres are near. So a search compares users of a cell with
those of the nearest cells only, by products of matrices. Cells have about `CELL` users whatever the number of users, so the
time grows about in proportion to it. A sample of users, whose true nearest users are found by comparing them with everybody,
says how many users have to be looked at for the wished recall.

Users are compared by their *coordinates*: the projections of their rows on the main directions in which rows differ. The
best twice as many are then compared by their whole rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

COORDINATES = 64
"""The largest number of coordinates of a user."""
CELL = 32
"""The number of users in a cell on average: at least half of it, before users move to nearer cells."""
ROUNDS = 3
"""How often users move to the nearest centre, and centres to the middle of their users."""
CENTRES_AROUND = 32
"""The number of centres, its own included, that a user may move to in a round."""
POWER_STEPS = 2
"""Steps of the power iteration for the main direction of a group; it need not be exact."""
NUMBERS_AT_ONCE = 4_000_000
"""The number of products, or of numbers of gathered rows, in memory at once."""
SAMPLED = 128
"""The number of users whose true nearest users are found to choose the number of users that are looked at."""
DIRECTIONS_FROM = 4_096
"""The number of users, evenly spaced, whose rows determine the main directions."""


def main_coordinates(rows: Tensor) -> Tensor:
    """Return (n, c) float32 coordinates of users, whose distances are those of the `rows` (n, s) along c directions.

    The directions are those in which the rows of a sample differ most; c is `COORDINATES`, or s if that is smaller. Distances
    do not change then. The mean is subtracted, because rows may be nearly parallel.
    """
    mean = rows.mean(dim=0)
    sample = rows[evenly(len(rows), DIRECTIONS_FROM, rows.device)] - mean
    _, vectors = torch.linalg.eigh(sample.double().T @ sample.double())
    directions = vectors[:, -COORDINATES:].float()
    return torch.cat([(part - mean) @ directions for part in torch.split(rows, max(1, NUMBERS_AT_ONCE // rows.shape[1]))])


def evenly(n: int, most: int, device: torch.device) -> Tensor:
    """Return (m,) int64 places of n, evenly spaced and ascending; m is `most`, or n if that is smaller."""
    return torch.linspace(0, n - 1, min(n, most), dtype=torch.float64).round().long().to(device)


@dataclass(frozen=True)
class Cells:
    """A division of n users into C cells.

    Attributes:
        coordinates: (n, c), the users' coordinates, cell by cell.
        order: (n,) int64, the user at each place.
        cell: (n,) int64, the cell of each place, ascending.
        ends: (C,) int64, the place after each cell's last one.
        counts: (C,) int64, the number of users in each cell.
        centres: (C, c), the mean of each cell's users.
    """

    coordinates: Tensor
    order: Tensor
    cell: Tensor
    ends: Tensor
    counts: Tensor
    centres: Tensor

    @classmethod
    def of(cls, coordinates: Tensor) -> "Cells":
        """Divide users with `coordinates` (n, c).

        Groups are halved at the median of their main direction until they have `CELL` users. Then users move to nearer
        centres for some rounds.
        """
        cell = _halved(coordinates)
        near = _centres_around(_centres(coordinates, cell, int(cell.max()) + 1))
        for _ in range(ROUNDS):
            cell = _moved(coordinates, cell, near)
        _, cell = torch.unique(cell, return_inverse=True)  # without cells that all users have left
        counts = torch.bincount(cell)
        order = cell.argsort(stable=True)
        return cls(coordinates[order], order, cell[order], counts.cumsum(0), counts, _centres(coordinates, cell, len(counts)))

    def around(self, cell: Tensor, most: int) -> Tensor:
        """Return (m, most) the nearest cells of each of the cells `cell` (m,), itself included, nearest first."""
        centres = self.centres
        scores = 2 * centres[cell] @ centres.T - centres.square().sum(dim=1)
        return scores.topk(min(most, len(centres)), dim=1).indices

    def needed(self, place: int, wanted: Tensor, count: int) -> Tensor:
        """Return (count,) how many users have to be looked at until 1, 2, ... `count` of the users `wanted` are met.

        Args:
            place: a user's place.
            wanted: (n,) bool by place, the user's true nearest ones; more than `count` if some are equally near.
            count: number of nearest users.
        """
        ranked = self.around(self.cell[place, None], len(self.centres))[0]
        looked_at = torch.empty_like(ranked)
        looked_at[ranked] = self.counts[ranked].cumsum(0)
        return looked_at[self.cell[wanted]].sort().values[:count]

    def neighbourhoods(self, looked_at: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield for each cell, in order, the places (k,) of its users, and those (m,) of the nearest cells that have
        `looked_at` users or more together.
        """
        n, device = len(self.counts), self.counts.device
        most = min(n, 2 * looked_at * n // len(self.cell) + 2)
        for some in torch.split(torch.arange(n, device=device), max(1, NUMBERS_AT_ONCE // n)):
            for own, near in zip(torch.split(some, 1), self.around(some, most), strict=True):
                enough = int(self.counts[near].sum()) >= looked_at
                yield self._places(own), self._nearest_places(near if enough else self.around(own, n)[0], looked_at)

    def _nearest_places(self, ranked: Tensor, looked_at: int) -> Tensor:
        """Return the places of the users of the first of the cells `ranked` that have `looked_at` users, or of all."""
        met = self.counts[ranked].cumsum(0)
        return self._places(ranked[: int(torch.searchsorted(met, looked_at)) + 1])

    def _places(self, cells: Tensor) -> Tensor:
        """Return the places of all users of `cells` (m,)."""
        counts = self.counts[cells]
        ends, total = counts.cumsum(0), int(counts.sum())
        starts = self.ends[cells] - ends  # less the number of places before the cell's in the result
        return torch.arange(total, device=cells.device) + starts.repeat_interleave(counts, output_size=total)


def _halved(coordinates: Tensor) -> Tensor:
    """Return (n,) int64 cells of equal size, up to one user, by halving groups at the median of their main direction."""
    n, device = len(coordinates), coordinates.device
    order, cells = torch.arange(n, device=device), 1
    while n / cells > CELL:
        group = torch.arange(n, device=device) * cells // n
        own = coordinates[order]
        own = own - _centres(own, group, cells)[group]
        direction = torch.ones(cells, own.shape[1], device=device)
        for _ in range(POWER_STEPS):
            along = (own * direction[group]).sum(dim=1, keepdim=True)
            direction = torch.nn.functional.normalize(torch.zeros_like(direction).index_add_(0, group, own * along), dim=1)
        ranked = (own * direction[group]).sum(dim=1).argsort(stable=True)
        order, cells = order[ranked[group[ranked].argsort(stable=True)]], 2 * cells
    cell = torch.empty_like(order)
    cell[order] = torch.arange(n, device=device) * cells // n
    return cell


def _moved(coordinates: Tensor, cell: Tensor, near: Tensor) -> Tensor:
    """Return the users' cells (n,) after each has moved to the nearest centre among `near` (C, k), those around its own.

    A user stays if that is not clearly nearer. So users who are all alike do not gather in one cell.
    """
    centres = _centres(coordinates, cell, len(near))
    negligible = 1e-9 * coordinates.square().sum(dim=1).mean()
    step = max(1, NUMBERS_AT_ONCE // (CENTRES_AROUND * coordinates.shape[1]))
    parts = []
    for own, mine in zip(torch.split(coordinates, step), torch.split(cell, step), strict=True):
        distances = (centres[near[mine]] - own.unsqueeze(1)).square_().sum(dim=2)
        nearest, place = distances.min(dim=1)
        stays = (own - centres[mine]).square().sum(dim=1) <= nearest * 1.01 + negligible
        parts.append(torch.where(stays, mine, near[mine].gather(1, place.unsqueeze(1)).squeeze(1)))
    return torch.cat(parts)


def _centres_around(centres: Tensor) -> Tensor:
    """Return (C, k) the nearest of the `centres` (C, c) to each of them, itself included."""
    lengths, k = centres.square().sum(dim=1), min(CENTRES_AROUND, len(centres))
    parts = torch.split(centres, max(1, NUMBERS_AT_ONCE // len(centres)))
    return torch.cat([(2 * some @ centres.T - lengths).topk(k, dim=1).indices for some in parts])


def _centres(coordinates: Tensor, cell: Tensor, count: int) -> Tensor:
    """Return (count, c) the mean of each cell's users; 0 for a cell without users."""
    totals = torch.zeros(count, coordinates.shape[1], device=coordinates.device).index_add_(0, cell, coordinates)
    return totals / torch.bincount(cell, minlength=count).clamp_(min=1).unsqueeze(1)
