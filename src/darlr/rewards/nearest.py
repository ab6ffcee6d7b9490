"""The search for each user's nearest users by predicted rows: exact, or in the cells around a user."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from darlr.largest import largest_places
from darlr.rewards.cells import COORDINATES, NUMBERS_AT_ONCE, SAMPLED, Cells, evenly, main_coordinates
from darlr.rewards.settings import NeighbourConfig

BLOCK = 1024
"""The number of users compared at once; the matrix (users, users) is never whole in memory."""

EXACT_UP_TO = 50_000
"""The largest number of users for whom `neighbours.search: auto` compares all pairs."""


@dataclass(frozen=True)
class CellSearch:
    """Figures about a search in cells, for the run's record.

    Attributes:
        users: number of users.
        count: number of nearest users that were searched for each.
        compared: mean number of users that a user was compared with.
        recall: share of the true nearest users that were found, measured on `sampled` users. They are others than those who
            determined how many are compared. A user as near as a true one counts as one.
        sampled: number of these users.
    """

    users: int
    count: int
    compared: float
    recall: float
    sampled: int

    def record(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Nearest:
    """The nearest users of each of n users.

    Attributes:
        users: (n, count) int64, most similar first.
        cosines: (n, count) their cosines.
        search: figures about a search in cells; None for an exact search.
    """

    users: Tensor
    cosines: Tensor
    search: CellSearch | None = None


def unit_rows(estimates: Tensor, centred: bool) -> Tensor:
    """Return the rows of `estimates` (n_users, n_items) scaled to length 1, so that their products are cosines.

    `centred` subtracts the item means first. Predicted rows are nearly parallel, so plain cosines hardly distinguish users.
    """
    rows = estimates - estimates.mean(dim=0) if centred else estimates
    return torch.nn.functional.normalize(rows, dim=1)


def find_nearest(rows: Tensor, count: int, include_self: bool, config: NeighbourConfig) -> Nearest:
    """Return the `count` nearest users of each user by the search that `config.search` asks for.

    Args:
        rows: (n_users, s) of length 1.
        count, include_self: see `nearest_users`.
        config: the settings of the search.
    """
    if config.search == "exact" or (config.search == "auto" and len(rows) <= EXACT_UP_TO):
        return Nearest(*nearest_users(rows, count, include_self))
    return nearest_by_cells(rows, count, include_self, config.recall)


def nearest_users(rows: Tensor, count: int, include_self: bool) -> tuple[Tensor, Tensor]:
    """Return the `count` most similar users of each user and their cosines, (n_users, count) each, most similar first.

    The search is exact and works by blocks of matrix products. Each pair of users is compared once. With `include_self`, a
    user is always its own first neighbour (cosine 1).

    Args:
        rows: (n_users, n_items) of length 1.
        count: number of neighbours; at most the number of eligible users.
        include_self: whether a user may be its own neighbour.
    """
    blocks, numbers = torch.split(rows, BLOCK), torch.split(torch.arange(len(rows), device=rows.device), BLOCK)
    best = [(rows.new_empty(len(block), 0), numbers[0].new_empty(len(block), 0)) for block in blocks]

    def offer(products: Tensor, receiving: int, offered: int) -> None:
        """Merge the cosines to the users of another block into the best ones of the users of one block."""
        cosines, users = best[receiving]
        cosines = torch.cat([products, cosines], dim=1)
        users = torch.cat([numbers[offered].expand(len(products), -1), users], dim=1)
        top = cosines.topk(min(count, cosines.shape[1]), dim=1)
        best[receiving] = top.values, users.gather(1, top.indices)

    for first, block in enumerate(blocks):
        own = block @ block.T
        own.fill_diagonal_(float("inf") if include_self else float("-inf"))
        offer(own, first, first)
        for second in range(first + 1, len(blocks)):
            products = block @ blocks[second].T
            offer(products, first, second)
            offer(products.T, second, first)
    cosines, users = (torch.cat(parts) for parts in zip(*best, strict=True))
    return users, cosines.clamp_(max=1.0)


def nearest_by_cells(rows: Tensor, count: int, include_self: bool, recall: float) -> Nearest:
    """Return about the same as `nearest_users`, in a time that is about proportional to the number of users.

    Args:
        rows: (n_users, s) of length 1.
        count, include_self: see `nearest_users`.
        recall: share of the true nearest users to find.
    """
    own, others = torch.arange(len(rows), device=rows.device).unsqueeze(1), count - 1 if include_self else count
    if not others:
        return Nearest(own, torch.ones_like(own, dtype=rows.dtype))
    cells = Cells.of(main_coordinates(rows))
    rows = rows[cells.order]
    sample = evenly(len(rows), 2 * SAMPLED, rows.device)
    looked_at = _users_to_look_at(rows, cells, sample[::2], others, recall)
    places, cosines, compared = _search(rows, cells, others, looked_at)
    figures = CellSearch(len(rows), count, compared / len(rows), _recall(rows, sample[1::2], places, others), len(sample[1::2]))
    if include_self:
        places, cosines = torch.cat([own, places], dim=1), torch.cat([torch.ones_like(cosines[:, :1]), cosines], dim=1)
    back = cells.order.argsort()
    return Nearest(cells.order[places[back]], cosines[back].clamp_(max=1.0), figures)


def _users_to_look_at(rows: Tensor, cells: Cells, sample: Tensor, count: int, recall: float) -> int:
    """Return how many users a search has to look at, by the true nearest users of the places `sample` (m,).

    It plans for half of the misses that `recall` allows, because other users may need more.
    """
    parts = []
    for place, products, least in _exactly(rows, sample, count):
        parts.append(cells.needed(place, products >= least, count))
    needed = torch.cat(parts).sort().values
    return int(needed[min(len(needed) - 1, math.ceil((1 + recall) / 2 * len(needed)))])


def _recall(rows: Tensor, sample: Tensor, found: Tensor, count: int) -> float:
    """Return the share of the `count` nearest users of the places `sample` (m,) that are among `found` (n, count)."""
    shares = [
        float((products[found[place]] >= least).float().mean()) for place, products, least in _exactly(rows, sample, count)
    ]
    return sum(shares) / len(shares)


def _exactly(rows: Tensor, sample: Tensor, count: int) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Yield each place of `sample` (m,), its cosines to all users (n,), -inf to itself, and the `count`-th largest of them."""
    for place in sample.tolist():
        products = rows @ rows[place]
        products[place] = float("-inf")
        yield place, products, products.topk(count).values[-1]


def _search(rows: Tensor, cells: Cells, count: int, looked_at: int) -> tuple[Tensor, Tensor, int]:
    """Look at `looked_at` users or more for each of n users, those of the nearest cells.

    Returns:
        The places of the best `count` and their cosines, (n, count) each, and how many pairs were compared.
    """
    places, cosines = cells.order.new_empty(len(rows), count), rows.new_empty(len(rows), count)
    compared = 0
    for own, candidates in cells.neighbourhoods(looked_at):
        compared += len(own) * len(candidates)
        others = cells.coordinates[candidates]
        lengths = -others.square().sum(dim=1)
        for users in torch.split(own, max(1, NUMBERS_AT_ONCE // len(candidates))):
            scores = torch.addmm(lengths, cells.coordinates[users], others.T, alpha=2)
            places[users], cosines[users] = _best(rows, users, candidates, scores, count)
    return places, cosines, compared


def _best(rows: Tensor, users: Tensor, candidates: Tensor, scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the places of the best `count` of `candidates` (m,) for `users` (k,), and their cosines, (k, count) each.

    `scores` (k, m) are larger the nearer a candidate is by its coordinates.
    """
    wanted = count if rows.shape[1] <= COORDINATES else 2 * count  # else coordinates do not have all differences
    short = candidates[largest_places(scores, min(wanted + 1, len(candidates)))]
    parts, step = [], max(1, NUMBERS_AT_ONCE // (short.shape[1] * rows.shape[1]))
    for own, near in zip(torch.split(users, step), torch.split(short, step), strict=True):
        cosines = (rows[near] @ rows[own].unsqueeze(2)).squeeze(2)
        parts.append(cosines.masked_fill_(near == own.unsqueeze(1), float("-inf")))
    top = torch.cat(parts).topk(count, dim=1)
    return short.gather(1, top.indices), top.values
