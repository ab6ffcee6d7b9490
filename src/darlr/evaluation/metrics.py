"""The metrics of finished episodes (protocol section 3), one pure function each.

Shapes: B episodes of at most T steps; I items; C categories. This module works on tensors without importing torch, because
reports read the table of metrics, too.
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
"""The largest share of the liked rows' categories that the dominant ones make up (`top_rate` in the reference code)."""


@dataclass(frozen=True)
class FinishedEpisodes:
    """B finished episodes of a test, and facts about the items of its world.

    Attributes:
        lengths: (B,) int64 number of steps.
        rewards: (B, T) float32, 0 after the end.
        actions: (B, T) int64 the recommended items, by their column in the world.
        taken: (B, T) bool, the steps that were taken; other entries of `actions` are meaningless.
        n_allowed: number of items that at least one user may be recommended.
        dominated: (I,) bool, the items with a dominant category; None if items have no categories.
        slates: (B, T, k) the items that each step showed; None for single recommendations. `actions` has what was chosen.
    """

    lengths: "Tensor"
    rewards: "Tensor"
    actions: "Tensor"
    taken: "Tensor"
    n_allowed: int
    dominated: "Tensor | None" = None
    slates: "Tensor | None" = None

    @property
    def recommended(self) -> "Tensor":
        """(n,) the recommended items, episode by episode; all that were shown, if steps show slates."""
        return self.actions[self.taken] if self.slates is None else self.slates[self.taken].flatten()


def episode_return(rewards: "Tensor") -> float:
    """Return R_tra: mean undiscounted return of an episode; rewards: (B, T), 0 after the end."""
    return float(rewards.double().sum() / len(rewards))


def step_reward(rewards: "Tensor", lengths: "Tensor") -> float:
    """Return R_each: mean reward of a step; rewards: (B, T), 0 after the end; lengths: (B,)."""
    return float(rewards.double().sum() / lengths.sum())


def episode_length(lengths: "Tensor") -> float:
    """Return Length: mean number of steps; lengths: (B,)."""
    return float(lengths.sum() / len(lengths))


def slot_reward(rewards: "Tensor", recommended: "Tensor") -> float:
    """Return R_slot: mean reward of a shown item; rewards: (B, T), 0 after the end; recommended: (n,) the shown items."""
    return float(rewards.double().sum() / len(recommended))


def choice_rate(slates: "Tensor", actions: "Tensor", taken: "Tensor") -> float:
    """Return the share of the `taken` steps (B, T) at which the user chose an item.

    Args:
        slates: (B, T, k) the items that were shown.
        actions: (B, T) the items that were chosen; a column that is not shown where there is none.
        taken: (B, T) bool.
    """
    return float((slates == actions[..., None]).any(dim=-1)[taken].double().mean())


def coverage(items: "Tensor", n_items: int) -> float:
    """Return CV: share of the world's items that were recommended at all; items: (n,), one entry for each recommendation."""
    return len(np.unique(items.cpu().numpy())) / n_items


def coverage_per_recommendation(items: "Tensor") -> float:
    """Return CV_turn: number of distinct items over number of recommendations; items: (n,)."""
    return len(np.unique(items.cpu().numpy())) / len(items)


def category_domination(items: "Tensor", dominated: "Tensor") -> float:
    """Return MCD: share of recommendations whose item has a dominant category; items: (n,); dominated: (I,) bool."""
    return float(dominated[items].double().mean())


def category_shares(items: "Tensor", membership: "Tensor") -> "Tensor":
    """Return (C,) share of recommendations whose item has a category; items: (n,); membership: (I, C) bool."""
    return membership[items].double().mean(dim=0)


def liked_shares(log: InteractionLog, catalog: ItemCatalog) -> NDArray[np.float64]:
    """Return (C,) share of the log's liked rows whose item has a category; 0 if no row is liked."""
    return _liked_counts(log, catalog) / max(int(log.liked.sum()), 1)


def dominant_categories(log: InteractionLog, catalog: ItemCatalog) -> NDArray[np.bool_]:
    """Return (C,) bool: the categories that dominate the log's liked rows.

    Categories are counted over the liked rows (once for each category of the row's item). They are taken in falling order
    as long as their shares add up to at most `DOMINANT_SHARE`, but at least one is taken. If no row is liked, none
    dominates.
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
    """Return (C,) the number of liked rows whose item has the category."""
    slots = catalog.categories[log.items[log.liked]]
    return np.bincount(slots[slots >= 0], minlength=catalog.n_categories)
