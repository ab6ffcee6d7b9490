"""Item-based nearest neighbours (Deshpande and Karypis, TOIS 2004), with the shrunk cosine of Dacrema et al. (RecSys 2019).

    sim(i, j) = x_i . x_j / (||x_i|| ||x_j|| + h),   s_uj = sum over i in N_k(j) of w_ui sim(i, j),

where x_i is the item's column of weights and N_k(j) are the k items that are most similar to j.
docs/methods/item-knn.md lists the differences from the papers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.agents.supervised.item_weights import co_liked, item_blocks, item_weights_scorer
from darlr.agents.supervised.preferences import Preferences, nothing_liked
from darlr.agents.supervised.supervised import Learned, Played, Supervised
from darlr.agents.supervised.validation import Rows, Split, fit_best
from darlr.data.dataset import Dataset


@dataclass(frozen=True)
class Neighbourhood:
    """The hyperparameters k and h."""

    size: int
    shrinkage: float


CANDIDATES = tuple(Neighbourhood(size, shrinkage) for size in (20, 100) for shrinkage in (0.0, 20.0))

MOST_PRODUCTS, MOST_PRODUCTS_UNASKED = 250_000_000_000, 20_000_000_000
"""Rows times items: 9 billion take half a minute of a processor."""


@dataclass(frozen=True)
class Neighbours:
    """The k nearest items of each of n items, nearest first.

    Attributes:
        items: (n, k) int64, indices into the log's vocabulary.
        similarities: (n, k) float32, 0 for items without common users.
    """

    items: Tensor
    similarities: Tensor

    def weights(self, n_items: int) -> Tensor:
        """A sparse (n, n_items) matrix; each row has the similarities of one item's neighbours."""
        rows = torch.arange(len(self.items)).repeat_interleave(self.items.shape[1])
        places = torch.stack([rows, self.items.flatten()])
        shape = (len(self.items), n_items)
        return torch.sparse_coo_tensor(places, self.similarities.flatten(), shape, check_invariants=False).coalesce()


def nearest_items(preferences: Preferences, neighbourhood: Neighbourhood) -> Neighbours:
    """The neighbours of every item; at most all other items."""
    lengths = _lengths(preferences)
    found = []
    for columns in item_blocks(preferences):
        similarities = co_liked(preferences, columns) / (torch.outer(lengths, lengths[columns]) + neighbourhood.shrinkage)
        similarities = similarities.nan_to_num(0.0)  # an item that nobody likes has no length
        similarities[columns, torch.arange(len(columns))] = -1.0  # an item is not its own neighbour
        found.append(similarities.topk(min(neighbourhood.size, preferences.n_items - 1), dim=0))
    items, values = (torch.cat([getattr(part, name) for part in found], dim=1).T for name in ("indices", "values"))
    return Neighbours(items.contiguous(), values.contiguous())


def _lengths(preferences: Preferences) -> Tensor:
    """The lengths (I,) ||x_i||."""
    squares = torch.zeros(preferences.n_items).index_add_(0, preferences.items, preferences.weights**2)
    return squares.sqrt()


def _fit(dataset: Dataset, generator: np.random.Generator) -> dict[str, Tensor]:
    preferences = Preferences.of(dataset.log)
    split = Split.random(preferences, generator)
    neighbours = fit_best(preferences, CANDIDATES, _path, _rows, split)
    world = torch.from_numpy(dataset.world.items)
    return {"items": neighbours.items[world], "similarities": neighbours.similarities[world]}


def _path(preferences: Preferences, neighbourhood: Neighbourhood) -> Iterator[Neighbours]:
    yield nearest_items(preferences, neighbourhood)


def _rows(neighbours: Neighbours, preferences: Preferences) -> Rows:
    weights = neighbours.weights(preferences.n_items)
    return lambda users: (weights @ preferences.rows(users).T).T


def _scorer(learned: Learned, played: Played) -> Scorer:
    neighbours = Neighbours(learned["items"], learned["similarities"])
    return item_weights_scorer(neighbours.weights(played.dataset.log.n_items), played)


def _products(dataset: Dataset) -> int:
    return len(dataset.log) * dataset.log.n_items


def _unfit(dataset: Dataset) -> str:
    if reason := nothing_liked(dataset.log):
        return reason
    products = _products(dataset)
    if dataset.log.n_items < 2:
        return "the log has a single item, which has no neighbours"
    if products > MOST_PRODUCTS:
        return f"all pairs of items would take {products:,} products; at most {MOST_PRODUCTS:,}"
    return ""


ITEM_KNN = Supervised(_fit, _scorer, _unfit, lambda dataset: _products(dataset) > MOST_PRODUCTS_UNASKED)
