"""The metrics of finished episodes (protocol section 3), one pure function each.

Shapes: B episodes of at most T steps; I items; C categories. Tensors bring their own functions, so nothing here imports torch:
the table of metrics is read by reports, too.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from darlr.data.catalog import ItemCatalog
from darlr.data.log import InteractionLog

if TYPE_CHECKING:
    from torch import Tensor

DOMINANT_SHARE = 0.8
"""Share of the liked rows' categories that the dominant ones make up at most (`top_rate` of the references)."""


@dataclass(frozen=True)
class FinishedEpisodes:
    """B finished episodes of a test, and what its world says of the items.

    Attributes:
        lengths: (B,) int64 steps taken.
        rewards: (B, T) float32, 0 beyond the end.
        actions: (B, T) int64 the items recommended, by their column in the world.
        taken: (B, T) bool, the steps that were taken; `actions` mean nothing elsewhere.
        n_allowed: how many items may be recommended to somebody.
        dominated: (I,) bool, the items with a dominant category; None where items have no categories.
    """

    lengths: "Tensor"
    rewards: "Tensor"
    actions: "Tensor"
    taken: "Tensor"
    n_allowed: int
    dominated: "Tensor | None" = None

    @property
    def recommended(self) -> "Tensor":
        """(n,) the items recommended, episode by episode."""
        return self.actions[self.taken]


def episode_return(rewards: "Tensor") -> float:
    """R_tra: mean undiscounted return of an episode; rewards: (B, T), 0 beyond the end."""
    return float(rewards.double().sum() / len(rewards))


def step_reward(rewards: "Tensor", lengths: "Tensor") -> float:
    """R_each: mean reward of a step; rewards: (B, T), 0 beyond the end; lengths: (B,)."""
    return float(rewards.double().sum() / lengths.sum())


def episode_length(lengths: "Tensor") -> float:
    """Length: mean number of steps; lengths: (B,)."""
    return float(lengths.sum() / len(lengths))


def coverage(items: "Tensor", n_items: int) -> float:
    """CV: share of the world's items that were recommended at all; items: (n,), one entry a recommendation."""
    return len(np.unique(items.cpu().numpy())) / n_items


def coverage_per_recommendation(items: "Tensor") -> float:
    """CV_turn: distinct items over recommendations; items: (n,)."""
    return len(np.unique(items.cpu().numpy())) / len(items)


def category_domination(items: "Tensor", dominated: "Tensor") -> float:
    """MCD: share of recommendations whose item has a dominant category; items: (n,); dominated: (I,) bool."""
    return float(dominated[items].double().mean())


def category_shares(items: "Tensor", membership: "Tensor") -> "Tensor":
    """(C,) share of recommendations whose item has a category; items: (n,); membership: (I, C) bool."""
    return membership[items].double().mean(dim=0)


def liked_shares(log: InteractionLog, catalog: ItemCatalog) -> NDArray[np.float64]:
    """(C,) share of the log's liked rows whose item has a category; 0 where no row is liked."""
    return _liked_counts(log, catalog) / max(int(log.liked.sum()), 1)


def dominant_categories(log: InteractionLog, catalog: ItemCatalog) -> NDArray[np.bool_]:
    """(C,) bool: the categories that dominate the log's liked rows.

    Categories are counted over the liked rows (once for each category of the row's item) and taken in falling order while
    their shares add up to no more than `DOMINANT_SHARE`; at least one is taken.
    Where no row is liked, none dominates.
    """
    counts = _liked_counts(log, catalog)
    order = np.argsort(-counts, kind="stable")
    shares = np.cumsum(counts[order] / max(counts.sum(), 1))
    # Rounding must not drop a category whose share ends exactly at the bound.
    taken = 0 if counts.sum() == 0 else max(1, int(np.searchsorted(shares, DOMINANT_SHARE + 1e-12, side="right")))
    dominant = np.zeros(catalog.n_categories, bool)
    dominant[order[:taken]] = True
    return dominant


def _liked_counts(log: InteractionLog, catalog: ItemCatalog) -> NDArray[np.int64]:
    """(C,) how many liked rows have an item of the category."""
    slots = catalog.categories[log.items[log.liked]]
    return np.bincount(slots[slots >= 0], minlength=catalog.n_categories)
